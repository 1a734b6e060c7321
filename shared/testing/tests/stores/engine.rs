//! The embedded engine, in memory and in a directory.

use std::sync::Arc;

use orderflow_engine::{Engine, Location, Options};
use orderflow_store::Backend;
use orderflow_testing::store_conformance::StoreUnderTest;
use tempfile::TempDir;

struct InMemory(Arc<dyn Backend>);

impl StoreUnderTest for InMemory {
    const IN_PROCESS: bool = true;

    async fn open() -> Self {
        Self(Arc::new(Engine::open(Options::new(Location::Memory)).unwrap()))
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.0)
    }
}

struct InDirectory(
    Arc<dyn Backend>,
    #[expect(dead_code, reason = "the directory is deleted when it is dropped")] TempDir,
);

impl StoreUnderTest for InDirectory {
    const IN_PROCESS: bool = true;

    async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Directory(directory.path().to_owned());
        Self(Arc::new(Engine::open(Options::new(location)).unwrap()), directory)
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.0)
    }
}

mod in_memory {
    use super::InMemory;
    orderflow_testing::store_suite!(InMemory);
}

mod in_directory {
    use super::InDirectory;
    orderflow_testing::store_suite!(InDirectory);
}
