use super::*;

fn message(position: usize, bytes: usize) -> Message {
    Message { position, event_type: "order.placed", body: "x".repeat(bytes) }
}

fn sizes(messages: &[Message]) -> Vec<usize> {
    batches(messages).into_iter().map(<[Message]>::len).collect()
}

#[test]
fn batches_keep_to_ten_entries() {
    let messages: Vec<_> = (0..25).map(|position| message(position, 100)).collect();
    assert_eq!(sizes(&messages), [10, 10, 5]);
    assert!(sizes(&[]).is_empty());
}

#[test]
fn batches_keep_to_256_kib() {
    let messages: Vec<_> = (0..5).map(|position| message(position, 100 * 1024)).collect();
    assert_eq!(sizes(&messages), [2, 2, 1]);
    for batch in batches(&messages) {
        assert!(batch.iter().map(Message::bytes).sum::<usize>() <= MAX_BATCH_BYTES);
    }
}
