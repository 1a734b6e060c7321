mod admin;
mod faults;
mod outcomes;
mod properties;
mod restarts;
mod world;
