//! Who uses whom, and who in the end uses itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A place in the code: a file's path and a line.
pub(super) type Place = (String, usize);

/// Arrows between files or folders, each with the places that draw it.
#[derive(Default)]
pub(super) struct Graph {
    arrows: BTreeMap<String, BTreeMap<String, BTreeSet<Place>>>,
}

impl Graph {
    /// Notes that `from` uses `to` at `place`. Whoever uses itself is no circle.
    pub(super) fn draw(&mut self, from: &str, to: &str, place: Place) {
        if from != to {
            let arrows = self.arrows.entry(from.to_owned()).or_default();
            arrows.entry(to.to_owned()).or_default().insert(place);
        }
    }

    /// Where `from` uses `to`.
    pub(super) fn places(&self, from: &str, to: &str) -> Vec<&Place> {
        let places = self.arrows.get(from).and_then(|arrows| arrows.get(to));
        places.into_iter().flatten().collect()
    }

    /// The strongly connected components of more than one member: each member reaches all others.
    pub(super) fn components(&self) -> Vec<BTreeSet<&str>> {
        let names = self.arrows.keys().map(String::as_str);
        let reached = names.map(|name| (name, self.reached_from(name))).collect::<BTreeMap<_, _>>();
        let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|all| all.contains(to));
        let components = reached
            .iter()
            .filter(|(name, all)| all.contains(*name))
            .map(|(name, all)| all.iter().copied().filter(|other| reaches(other, name)).collect());
        components.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The smallest circle among `component`: each member uses the next, the last the first.
    pub(super) fn smallest_circle<'a>(&'a self, component: &BTreeSet<&'a str>) -> Vec<&'a str> {
        let circles = component.iter().filter_map(|start| self.shortest_way_back(start));
        circles.min_by_key(Vec::len).unwrap_or_default()
    }

    fn used_by<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.arrows.get(name).into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }

    fn reached_from<'a>(&'a self, start: &str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut waiting = self.used_by(start).collect::<Vec<_>>();
        while let Some(name) = waiting.pop() {
            if reached.insert(name) {
                waiting.extend(self.used_by(name));
            }
        }
        reached
    }

    fn shortest_way_back<'a>(&'a self, start: &'a str) -> Option<Vec<&'a str>> {
        let mut ways = VecDeque::from([vec![start]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            for used in way.last().into_iter().flat_map(|name| self.used_by(name)) {
                if used == start {
                    return Some(way);
                }
                if seen.insert(used) {
                    ways.push_back([way.as_slice(), &[used]].concat());
                }
            }
        }
        None
    }
}

#[cfg(test)]
fn graph(arrows: &[&str]) -> Graph {
    let mut graph = Graph::default();
    for (at, arrow) in arrows.iter().enumerate() {
        let (from, to) = arrow.split_once('>').expect("an arrow has two ends");
        graph.draw(from, to, ("x.rs".to_owned(), at + 1));
    }
    graph
}

#[test]
fn arrows_without_a_circle_have_no_components() {
    assert!(graph(&["a>b", "a>c", "b>d", "c>d", "d>e", "x>x"]).components().is_empty());
}

#[test]
fn component_holds_who_reach_each_other_and_nobody_else() {
    let graph = graph(&["before>a", "a>b", "b>c", "c>a", "c>after", "x>y", "y>x"]);

    let found = [BTreeSet::from(["a", "b", "c"]), BTreeSet::from(["x", "y"])];
    assert_eq!(graph.components(), found);
}

#[test]
fn smallest_circle_of_a_component_is_told_in_the_order_of_its_arrows() {
    let graph = graph(&["a>b", "b>c", "c>d", "d>a", "d>b", "a>z", "z>a", "z>y"]);

    let components = graph.components();
    assert_eq!(graph.smallest_circle(&components[0]), ["a", "z"]);
    assert_eq!(graph.places("d", "b"), [&("x.rs".to_owned(), 5)]);
    assert!(graph.places("b", "d").is_empty());
}
