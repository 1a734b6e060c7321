//! The backend over the AWS SDK with dynoxide behind it, which is the oracle of the suite.

use std::sync::Arc;

use orderflow_embedded::Embedded;
use orderflow_store::Backend;
use orderflow_testing::store_conformance::StoreUnderTest;

struct Dynoxide(Arc<dyn Backend>);

impl StoreUnderTest for Dynoxide {
    const IN_PROCESS: bool = true;
    const RECORDS_UNCHANGED: bool = true;

    async fn open() -> Self {
        Self(Embedded::in_memory().unwrap().backend())
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.0)
    }
}

orderflow_testing::store_suite!(Dynoxide);
