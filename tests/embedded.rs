//! The whole-system suite over the embedded store and the memory broker.

use orderflow_tests::EmbeddedMode;

orderflow_tests::suite!(EmbeddedMode);
