//! A batch grouped by what its messages are about, so that each group is processed once and its outcome goes to each of its messages.

use std::collections::HashMap;
use std::hash::Hash;

/// The positions in a batch of the messages of each group.
#[derive(Debug, Clone)]
pub struct Positions<K> {
    of_key: HashMap<K, Vec<usize>>,
}

/// Groups the members of a batch by key.
///
/// `parts` returns what a member contributes, with the key of the group it belongs to: an `Option` where that is at most one group, or
/// several pairs. `merge` folds the contribution of a later member into that of an earlier one with the same key.
///
/// Returns the groups in the order in which their keys first appear, and [`Positions`], which carry outcomes back:
///
/// ```
/// use orderflow_messaging::group_by_key;
///
/// let batch = ["apple 2", "pear 1", "nothing", "apple 3"];
/// let part = |text: &&'static str| {
///     let (fruit, count) = text.split_once(' ')?;
///     Some((fruit, (fruit, count.parse::<u32>().unwrap())))
/// };
/// let (groups, positions) = group_by_key(&batch, part, |sum, part| sum.1 += part.1);
/// assert_eq!(groups, [("apple", 5), ("pear", 1)]);
///
/// let mut outcomes = vec!["done"; batch.len()];
/// positions.scatter([("apple", "retry")], &mut outcomes);
/// assert_eq!(outcomes, ["retry", "done", "done", "retry"]);
/// ```
pub fn group_by_key<T, K, G, P>(
    batch: impl IntoIterator<Item = T>,
    parts: impl Fn(T) -> P,
    merge: impl Fn(&mut G, G),
) -> (Vec<G>, Positions<K>)
where
    K: Clone + Eq + Hash,
    P: IntoIterator<Item = (K, G)>,
{
    let mut groups: Vec<G> = Vec::new();
    let mut index_of: HashMap<K, usize> = HashMap::new();
    let mut of_key: HashMap<K, Vec<usize>> = HashMap::new();
    for (position, member) in batch.into_iter().enumerate() {
        for (key, part) in parts(member) {
            of_key.entry(key.clone()).or_default().push(position);
            match index_of.get(&key) {
                Some(index) => merge(&mut groups[*index], part),
                None => {
                    index_of.insert(key, groups.len());
                    groups.push(part);
                }
            }
        }
    }
    (groups, Positions { of_key })
}

impl<K: Eq + Hash> Positions<K> {
    /// Writes the outcome of each group to the positions of its members. `batch` has one entry for each member of the batch; members of
    /// groups without an outcome keep theirs.
    pub fn scatter<O: Clone>(&self, outcomes: impl IntoIterator<Item = (K, O)>, batch: &mut [O]) {
        self.scatter_merged(outcomes, batch, |_, outcome| outcome);
    }

    /// Like [`scatter`](Self::scatter), for members that belong to several groups: `merge` decides between what a position holds and the
    /// outcome of another of its groups.
    pub fn scatter_merged<O: Clone>(
        &self,
        outcomes: impl IntoIterator<Item = (K, O)>,
        batch: &mut [O],
        merge: impl Fn(O, O) -> O,
    ) {
        for (key, outcome) in outcomes {
            for position in self.of_key.get(&key).into_iter().flatten() {
                batch[*position] = merge(batch[*position].clone(), outcome.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_several_groups_gets_the_merged_outcome() {
        let batch = [&["a", "b"][..], &["b"], &[], &["c", "a"]];
        let parts = |keys: &&[&'static str]| keys.iter().map(|key| (*key, vec![*key])).collect::<Vec<_>>();
        let (groups, positions) = group_by_key(&batch, parts, |group, mut part| group.append(&mut part));
        assert_eq!(groups, [vec!["a", "a"], vec!["b", "b"], vec!["c"]]);
        let mut outcomes = [0; 4];
        positions.scatter_merged([("a", 1), ("b", 2), ("c", 3), ("d", 4)], &mut outcomes, u32::max);
        assert_eq!(outcomes, [2, 2, 0, 3]);
    }
}
