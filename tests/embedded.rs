//! The suite of the whole system with the embedded store and the memory broker.

use orderflow_tests::EmbeddedMode;

orderflow_tests::suite!(EmbeddedMode);
