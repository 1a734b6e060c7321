use super::*;
use crate::testing::{THINGS, Thing, World};
use crate::{IndependentWrites, Write};

const SHARDS: u8 = 4;

fn newest_first() -> Listing {
    Listing { index: &THINGS.indexes[0], partitions: partitions("all", SHARDS), descending: true }
}

fn thing(at: u32) -> Thing {
    let id = format!("t{at}");
    Thing { group: partition("all", &id, SHARDS), at: format!("{at:04}"), ..Thing::new(&id) }
}

async fn insert(world: &World, times: impl IntoIterator<Item = u32>) {
    let puts = times.into_iter().map(|at| Write::put(&world.things, &thing(at)).unwrap());
    assert!(world.store.write_each(puts.collect()).await.iter().all(Result::is_ok));
}

fn keys(times: impl IntoIterator<Item = u32>) -> Vec<String> {
    times.into_iter().map(|at| format!("{at:04}")).collect()
}

#[tokio::test]
async fn shards_are_merged_newest_first() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    insert(&world, 0..60).await;
    let page = world.things.list(&newest_first(), None, 21).await.unwrap();
    assert_eq!(page, keys((39..60).rev()));
    let oldest_first = Listing { descending: false, ..newest_first() };
    assert_eq!(world.things.list(&oldest_first, None, 5).await.unwrap(), keys(0..5));
    assert_eq!(world.things.list(&oldest_first, Some("0057"), 5).await.unwrap(), keys(58..60));
}

#[tokio::test]
async fn one_key_more_than_a_page_shows_that_there_is_another_page() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    insert(&world, 0..20).await;
    // A caller that shows 10 asks for 11. The eleventh exists as long as more follow.
    assert_eq!(world.things.list(&newest_first(), None, 11).await.unwrap().len(), 11);
    assert_eq!(world.things.list(&newest_first(), Some("0010"), 11).await.unwrap().len(), 10);
    assert!(world.things.list(&newest_first(), Some("0000"), 11).await.unwrap().is_empty());
}

#[tokio::test]
async fn items_inserted_between_two_pages_do_not_disturb_a_listing() {
    let world = World::new(IndependentWrites::OneTransaction).await;
    insert(&world, (100..150).step_by(2)).await;
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    for round in 0.. {
        let page = world.things.list(&newest_first(), after.as_deref(), 7).await.unwrap();
        // Newer items arrive between two pages.
        insert(&world, (200 + round * 10)..(205 + round * 10)).await;
        after = page.last().cloned().or(after);
        let ended = page.len() < 7;
        seen.extend(page);
        if ended {
            break;
        }
    }
    assert_eq!(seen, keys((100..150).step_by(2).rev()));
}
