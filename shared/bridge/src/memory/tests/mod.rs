mod admin;
mod backlog;
mod faults;
mod outcomes;
mod properties;
mod restarts;
mod world;
