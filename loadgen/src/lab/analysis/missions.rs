//! What there is to bring about: each mission sets a scene, and is done when it has really happened.

use crate::lab::{
    analysis::facts::{Facts, Outcome},
    model::{program::Variant, setup::Setup},
};

/// Something to bring about.
#[derive(Debug)]
pub(crate) struct Mission {
    /// Its name in commands.
    pub(crate) name: &'static str,
    /// What to do, in a few words.
    pub(crate) title: &'static str,
    /// How the scene is set, and what to try, in two or three sentences.
    pub(crate) task: &'static str,
    /// What helps whoever is stuck.
    pub(crate) hint: &'static str,
    /// What it is set up with.
    pub(crate) setup: Setup,
    /// What the thing is called.
    pub(crate) thing: &'static str,
    /// What has happened and why, in two or three sentences.
    pub(crate) shows: &'static str,
    /// The lesson that has more of it.
    pub(crate) lesson: &'static str,
    /// Whether it has happened, where its scene was played.
    is_done: fn(&Facts) -> bool,
}

impl Mission {
    /// Whether what has happened is what it asks for.
    pub(crate) fn is_done(&self, facts: &Facts) -> bool {
        facts.setup == self.setup && (self.is_done)(facts)
    }
}

const fn setup(variant: Variant, workers: u8, tickets: u32) -> Setup {
    Setup { variant, workers, tickets }
}

/// All missions, in the order in which to learn.
pub(crate) static MISSIONS: [Mission; 10] = [
    Mission {
        name: "sold-twice",
        title: "Sell one ticket to two buyers",
        task: "One ticket is left, and two workers have a buyer each. Every worker runs the same program \
               of seven lines, and stops before each line until you press its button. Make it go wrong: \
               press the buttons in an order in which both sell the one ticket.",
        hint: "Let both of them read the count before either has written it.",
        setup: setup(Variant::None, 2, 1),
        thing: "a race: check, then act",
        shows: "Both read that a ticket was left, each into a memory of its own. When the second acted on \
                it, it was no longer true. The program is right for one worker alone; it goes wrong where \
                another comes between its read and its write. More is sold than there was: it is oversold.",
        lesson: "file-mutex",
        is_done: |facts| facts.sales.len() > facts.tickets() && facts.sold_twice(),
    },
    Mission {
        name: "lost-update",
        title: "Three sales, and the file says 9",
        task: "Ten tickets, three workers, and nothing that keeps them apart. Let each make a sale, so \
               that `db.txt` says in the end that 9 are left, and not 7.",
        hint: "All three read 10, and then each writes what it has worked out: 9.",
        setup: setup(Variant::None, 3, 10),
        thing: "a lost update",
        shows: "Each worker wrote its own 9 over the 9 of the one before. Two of the three sales \
                have left no trace in the file: by its count, two tickets that are sold can be sold again.",
        lesson: "file-mutex",
        is_done: |facts| facts.sales.len() == 3 && facts.left == Some(9),
    },
    Mission {
        name: "torn-read",
        title: "Read an empty file",
        task: "To write, a worker first empties the file, and then writes the new count. Let one \
               worker read while the other is between the two.",
        hint: "Stop worker 1 behind the line that empties the file, and let worker 2 read.",
        setup: setup(Variant::None, 2, 1),
        thing: "a torn read",
        shows: "A worker saw a change that was half done, and crashed over it. What is written in two steps \
                can be seen in between. Who writes a new file first, and then puts it in the place of the \
                old one, shows the old or the new, and nothing else.",
        lesson: "file-mutex",
        is_done: |facts| facts.broken_reads.iter().any(String::is_empty),
    },
    Mission {
        name: "half-a-lock",
        title: "Oversell with a lock around the write",
        task: "Now the write is locked: only one worker at a time empties and writes the file. Sell \
               the one ticket twice all the same.",
        hint: "The lock comes behind the read. Let both read first.",
        setup: setup(Variant::WriteLock, 2, 1),
        thing: "a critical section that is too small",
        shows: "The lock kept two writes apart, and that was not the trouble. What a worker decides \
                by, its read, was made before it had the lock, and may be old when it has it.",
        lesson: "file-mutex",
        is_done: Facts::sold_twice,
    },
    Mission {
        name: "own-mutex",
        title: "Oversell under a mutex",
        task: "A mutex is held from the reading to the writing. But the workers are processes, and \
               each has a mutex of its own. Sell the ticket twice.",
        hint: "Do as if the mutex were not there: it keeps nobody else out.",
        setup: setup(Variant::Mutex, 2, 1),
        thing: "a lock that the others cannot see",
        shows: "A mutex is a place in memory, and processes share none. It keeps the threads of one \
                process apart: one server is safe, two servers oversell.",
        lesson: "memory-mutex",
        is_done: Facts::sold_twice,
    },
    Mission {
        name: "wait",
        title: "Make a buyer wait",
        task: "Now with `flock`: a lock on the file itself, which all processes can see. Let one \
               worker have it, and send the other for it. It will really stand in the kernel.",
        hint: "Let worker 1 lock the file. Then let worker 2 try.",
        setup: setup(Variant::Flock, 2, 1),
        thing: "mutual exclusion",
        shows: "It sleeps in the kernel, and no button wakes it: only the other worker can, when it \
                gives the lock back. Waiting is what a lock costs.",
        lesson: "memory-mutex",
        is_done: |facts| facts.waits > 0,
    },
    Mission {
        name: "under-the-lock",
        title: "Try to oversell under the lock",
        task: "The lock is held from the reading to the writing. Sell the ticket twice, if you can: \
               try, to the end of both programs, and let the two get in each other's way.",
        hint: "You will not manage it. Play to the end of both; one of them has to wait.",
        setup: setup(Variant::Flock, 2, 1),
        thing: "a critical section that is right",
        shows: "One was sold, and the other buyer was told the truth. It was not luck: the map below \
                has tried every schedule there is, and none of them oversells.",
        lesson: "file-mutex",
        is_done: |facts| facts.waits > 0 && facts.result() == Some(Outcome::Right),
    },
    Mission {
        name: "wrong-file",
        title: "Hold the right lock on the wrong file",
        task: "This shop never writes into `db.txt`: it puts a new file in its place. A worker opens \
               the file, and then locks what it has opened. Sell the ticket twice.",
        hint: "Let both open the file before the first one replaces it.",
        setup: setup(Variant::Replaced, 2, 1),
        thing: "a lock on a file that is gone",
        shows: "One worker got its lock on a file that was `db.txt` once. Lock \
                something that nobody replaces, and open the file behind that: the next variant in \
                the list does so.",
        lesson: "file-mutex",
        is_done: Facts::sold_twice,
    },
    Mission {
        name: "swap",
        title: "Make a swap fail",
        task: "No lock at all: a worker writes only if the file is still as it was read, and both in \
               one step. Let one worker come too late.",
        hint: "Let both read. Then let one write, and after it the other.",
        setup: setup(Variant::CompareAndSwap, 2, 2),
        thing: "compare and swap",
        shows: "Nobody waited. Who came too late was told so, read again, and lost nothing but the \
                work. Databases and processors do it like that, and it is right as long as every \
                writer does.",
        lesson: "memory-mutex",
        is_done: |facts| facts.failed_swaps > 0,
    },
    Mission {
        name: "deadlock",
        title: "Make a deadlock",
        task: "Each sale takes two locks. Odd workers lock `db.txt` first and `sales.txt` second, \
               even workers the other way round. Bring them to a stop, for ever.",
        hint: "Let each have its first lock. Then let each ask for its second.",
        setup: setup(Variant::TwoLocks, 2, 1),
        thing: "a deadlock",
        shows: "Each holds what the other waits for. No button helps any more, and no patience: \
                only killing one of them, as Start over does. Take locks in one order everywhere, \
                and it cannot happen.",
        lesson: "reentrant-lock",
        is_done: |facts| facts.is_deadlock,
    },
];

/// The mission of this `name`.
pub(crate) fn named(name: &str) -> Option<&'static Mission> {
    MISSIONS.iter().find(|mission| mission.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{analysis::facts::tests::nothing, model::setup::Play};

    #[test]
    fn nothing_that_has_not_happened_is_a_mission_done() {
        for mission in &MISSIONS {
            assert!(!mission.is_done(&nothing(mission.setup)), "{}", mission.name);
            assert!(mission.setup.check().is_ok(), "{}", mission.name);
            assert!(Play::new(mission.setup, Vec::new()).check().is_ok(), "{}", mission.name);
        }
    }

    #[test]
    fn missions_are_judged_by_what_happened() {
        let done = |name: &str, change: &dyn Fn(&mut Facts)| {
            let mission = named(name).unwrap();
            let mut facts = nothing(mission.setup);
            change(&mut facts);
            mission.is_done(&facts)
        };
        assert!(done("sold-twice", &|facts| facts.sales = vec![(1, 1), (2, 1)]));
        assert!(!done("sold-twice", &|facts| facts.sales = vec![(1, 1)]));
        let three = vec![(1, 1), (2, 1), (3, 1)];
        assert!(done("lost-update", &|facts| {
            (facts.sales, facts.left) = (three.clone(), Some(9));
        }));
        assert!(!done("lost-update", &|facts| {
            (facts.sales, facts.left) = (three.clone(), Some(8));
        }));
        assert!(done("torn-read", &|facts| facts.broken_reads = vec![String::new()]));
        assert!(!done("torn-read", &|facts| facts.broken_reads = vec!["{}}".to_owned()]));
        assert!(done("wait", &|facts| facts.waits = 1));
        assert!(!done("under-the-lock", &|facts| facts.waits = 1));
        assert!(done("under-the-lock", &|facts| (facts.waits, facts.is_over) = (1, true)));
        assert!(done("swap", &|facts| facts.failed_swaps = 1));
        assert!(done("deadlock", &|facts| facts.is_deadlock = true));
        assert!(!done("lost-update", &|facts| {
            // Nothing is lost where there were 12.
            (facts.sales, facts.left, facts.setup.tickets) = (three.clone(), Some(9), 12);
        }));
        assert!(!done("deadlock", &|facts| {
            (facts.is_deadlock, facts.setup.variant) = (true, Variant::None);
        }));
    }
}
