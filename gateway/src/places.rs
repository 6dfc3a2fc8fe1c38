//! The places that a worker has for what it claims, and who holds them. Who may have how many the database says with each claim;
//! it is told what is held.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use awooop_policy::share;
use serde_json::Value;
use tokio::sync::Notify;

/// So many places, and how many of them each project holds.
pub struct Places {
    all: usize,
    held: Mutex<BTreeMap<String, usize>>,
    freed: Notify,
}

/// A place of a project's, until it is dropped.
pub struct Place {
    places: Arc<Places>,
    project: String,
}

impl Places {
    /// `all` places, of which none is held.
    pub fn new(all: usize) -> Arc<Places> {
        Arc::new(Places { all, held: Mutex::default(), freed: Notify::new() })
    }

    /// How many there are, as the database takes it.
    pub fn all(&self) -> i32 {
        i32::try_from(self.all).unwrap_or(i32::MAX)
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.with(|held| self.all.saturating_sub(held.values().sum()))
    }

    /// How many each project holds, where it holds any.
    pub fn held(&self) -> Value {
        self.with(|held| held.iter().map(|(project, held)| (project.clone(), Value::from(*held))).collect())
    }

    /// Whether a place that becomes free changes what may be claimed: there is none, or a project holds its share.
    pub fn is_awaited(&self) -> bool {
        self.with(|held| {
            let taken: usize = held.values().sum();
            taken >= self.all || held.values().any(|own| share::more(self.all as u64, taken as u64, *own as u64) == 0)
        })
    }

    /// Waits until one becomes free; one that did since the last time counts.
    pub async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Takes one for a project. Whoever claims has asked for no more than there are.
    pub fn take(self: &Arc<Self>, project: &str) -> Place {
        self.with(|held| *held.entry(project.to_owned()).or_default() += 1);
        Place { places: Arc::clone(self), project: project.to_owned() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, usize>) -> T) -> T {
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.with(|held| {
            let left = held.get(&self.project).map_or(0, |own| own.saturating_sub(1));
            match left {
                0 => drop(held.remove(&self.project)),
                left => drop(held.insert(std::mem::take(&mut self.project), left)),
            }
        });
        self.places.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_held_until_they_are_dropped() {
        let places = Places::new(4);
        let (first, second, other) = (places.take("a"), places.take("a"), places.take("b"));
        assert_eq!((places.free(), places.held()), (1, serde_json::json!({"a": 2, "b": 1})));
        assert!(places.is_awaited());
        drop(first);
        drop(other);
        assert_eq!((places.free(), places.held()), (3, serde_json::json!({"a": 1})));
        assert!(!places.is_awaited());
        drop(second);
        assert_eq!((places.free(), places.held()), (4, serde_json::json!({})));
    }
}
