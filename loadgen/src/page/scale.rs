//! From times to places across a figure, and from counts to places down it.

use crate::words;

/// How many ticks an axis has, about.
const TICKS: f64 = 5.0;

/// A stretch of time across a figure. Times are nanoseconds since the first call of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeScale {
    /// What stands at the left edge; negative where a margin reaches beyond the first call.
    pub(crate) start: f64,
    /// How much is shown; more than nothing.
    pub(crate) span: f64,
}

/// One mark of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Where it stands: percent of the width, or pixels from the top.
    pub(crate) at: f64,
    /// What it says.
    pub(crate) label: String,
}

impl TimeScale {
    /// From `start` to `end`.
    pub(crate) fn new(start: f64, end: f64) -> Self {
        Self { start, span: (end - start).max(1.0) }
    }

    /// The same with a margin on both sides: a share of what is shown.
    pub(crate) fn with_margin(self, share: f64) -> Self {
        Self { start: self.start - self.span * share, span: self.span * (1.0 + 2.0 * share) }
    }

    /// Where `time` stands: percent of the width, within it.
    pub(crate) fn at(&self, time: f64) -> f64 {
        ((time - self.start) / self.span * 100.0).clamp(0.0, 100.0)
    }

    /// A few ticks at round times; the script makes them anew for the width that a figure has.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        let step = round_step(self.span / TICKS);
        let (unit, name) = unit(self.start + self.span);
        let decimals = decimals(step / unit);
        steps(self.start.max(0.0), self.start + self.span, step)
            .map(|time| Tick {
                at: self.at(time),
                label: format!("{} {name}", words::trimmed(time / unit, decimals)),
            })
            .collect()
    }
}

/// Counts down a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CountScale {
    /// The lowest count, at the bottom.
    pub(crate) low: f64,
    /// The highest count, at the top; above the lowest.
    pub(crate) high: f64,
    /// The figure's height in pixels.
    pub(crate) height: f64,
    /// Free pixels above and below.
    pub(crate) margin: f64,
}

impl CountScale {
    /// Where `count` stands: pixels from the top.
    pub(crate) fn at(&self, count: f64) -> f64 {
        let share = (self.high - count) / (self.high - self.low);
        self.margin + share.clamp(0.0, 1.0) * (self.height - 2.0 * self.margin)
    }

    /// About `wanted` ticks at round counts.
    pub(crate) fn ticks(&self, wanted: u32) -> Vec<Tick> {
        let step = round_step((self.high - self.low) / f64::from(wanted)).max(1.0);
        steps(self.low, self.high, step)
            .map(|count| Tick { at: self.at(count), label: words::grouped_f64(count) })
            .collect()
    }
}

/// Multiples of `step` between the ends.
fn steps(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step).ceil();
    (0..64_u32)
        .map(move |place| (first + f64::from(place)) * step)
        .take_while(move |value| *value <= high + step * 1e-9)
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `size`.
fn round_step(size: f64) -> f64 {
    let power = 10_f64.powf(size.max(f64::MIN_POSITIVE).log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= size * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// The unit of an axis that ends at `end`, in nanoseconds, and its name.
fn unit(end: f64) -> (f64, &'static str) {
    match end {
        end if end < 1e4 => (1.0, "ns"),
        end if end < 1e6 => (1e3, "µs"),
        end if end < 1e10 => (1e6, "ms"),
        _ => (1e9, "s"),
    }
}

/// How many decimals tell multiples of `step` apart.
fn decimals(step: f64) -> usize {
    (0..9)
        .find(|decimals| step * 10_f64.powi(*decimals) > 0.999_999)
        .map_or(9, |found| usize::try_from(found).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn time_axis_has_round_ticks_with_a_unit() {
        let axis = TimeScale::new(0.0, 31e6).ticks();
        assert_eq!(labels(&axis), ["0 ms", "10 ms", "20 ms", "30 ms"]);
        let axis = TimeScale::new(0.0, 12.4e9).ticks();
        assert_eq!(labels(&axis), ["0 s", "5 s", "10 s"]);
        let axis = TimeScale::new(1.2e6, 1.9e6).ticks();
        assert_eq!(labels(&axis), ["1.2 ms", "1.4 ms", "1.6 ms", "1.8 ms"]);
        assert_eq!(TimeScale::new(7.0, 7.0).at(7.0), 0.0);
    }

    #[test]
    fn margin_begins_no_axis_below_zero() {
        let axis = TimeScale::new(0.0, 10e6).with_margin(0.04).ticks();
        assert_eq!(axis[0].label, "0 ms");
        assert!(axis[0].at > 3.0);
    }

    #[test]
    fn count_axis_counts_in_whole_numbers() {
        let scale = CountScale { low: -90.0, high: 10.0, height: 100.0, margin: 0.0 };
        assert_eq!(labels(&scale.ticks(5)), ["−80", "−60", "−40", "−20", "0"]);
        assert_eq!((scale.at(10.0), scale.at(-90.0), scale.at(0.0)), (0.0, 100.0, 10.0));
        let scale = CountScale { low: 0.0, high: 2.0, height: 100.0, margin: 0.0 };
        assert_eq!(labels(&scale.ticks(8)), ["0", "1", "2"]);
    }
}
