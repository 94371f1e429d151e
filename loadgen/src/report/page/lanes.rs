//! A lane for each worker, one below the other.

use crate::{page::Tick, words};

/// The lanes of one figure.
#[derive(Debug)]
pub(super) struct Lanes {
    workers: Vec<u32>,
    pitch: f64,
}

/// Where something stands in a figure of lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which lane, from 0.
    pub(super) lane: usize,
    /// The middle of the lane, in pixels.
    pub(super) middle: f64,
    /// How thick a bar is, in pixels.
    pub(super) height: f64,
}

impl Lanes {
    /// A lane of `pitch` pixels for each of `workers`, in the order in which they first come.
    pub(super) fn new(workers: impl Iterator<Item = u32>, pitch: f64) -> Self {
        let mut lanes = Self { workers: Vec::new(), pitch };
        for worker in workers {
            if !lanes.workers.contains(&worker) {
                lanes.workers.push(worker);
            }
        }
        lanes
    }

    /// The same, all of them within `height` pixels where that leaves each one room.
    pub(super) fn within(workers: impl Iterator<Item = u32>, height: f64) -> Self {
        let mut lanes = Self::new(workers, 0.0);
        lanes.pitch = (height / lanes.workers.len().max(1) as f64).clamp(5.0, 22.0);
        lanes
    }

    /// The place of `worker`, who has a lane.
    pub(super) fn place(&self, worker: u32) -> Place {
        let lane = self.workers.iter().position(|known| *known == worker).unwrap_or(0);
        Place { lane, middle: self.middle(lane), height: (self.pitch - 2.0).min(12.0) }
    }

    /// All of them together, in pixels.
    pub(super) fn height(&self) -> f64 {
        (self.workers.len() as f64 * self.pitch).max(24.0)
    }

    /// Who has which.
    pub(super) fn names(&self) -> Vec<Tick> {
        let name = |(lane, worker): (usize, &u32)| Tick {
            at: self.middle(lane),
            label: words::who(*worker),
        };
        self.workers.iter().enumerate().map(name).collect()
    }

    fn middle(&self, lane: usize) -> f64 {
        (lane as f64 + 0.5) * self.pitch
    }
}
