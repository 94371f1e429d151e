//! A run as it goes on, drawn on a terminal.

use std::{collections::VecDeque, time::Duration};

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Gauge, Paragraph, Row, Sparkline, Table},
};

use crate::{latency::Percentiles, tally::Tally, words::latency};

/// How many points of the rate are kept.
const POINTS: usize = 200;

/// Over how long the rate is taken.
const POINT: Duration = Duration::from_millis(500);

/// What is drawn of a run, collected as it tells it.
#[derive(Clone, Debug)]
pub(crate) struct LiveView {
    title: String,
    initial: Option<i64>,
    /// How many tickets a correct shop sells at most.
    sold_max: Option<i128>,
    asked_rps: Option<f64>,
    since: Duration,
    tally: Tally,
    rates: VecDeque<u64>,
    point_at: Duration,
    point_ended: u64,
}

impl LiveView {
    /// For a run on a shop that has `initial` tickets and sells `sold_max` at most where it is correct, asked for
    /// `asked_rps` a second on average, where these are known.
    pub(crate) fn new(
        title: &str,
        (initial, sold_max): (Option<i64>, Option<i128>),
        asked_rps: Option<f64>,
    ) -> Self {
        Self {
            title: title.to_owned(),
            initial,
            sold_max,
            asked_rps,
            since: Duration::ZERO,
            tally: Tally::default(),
            rates: VecDeque::new(),
            point_at: Duration::ZERO,
            point_ended: 0,
        }
    }

    /// After `since` the run has counted `tally` in all.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is far from 2^53 and never negative"
    )]
    pub(crate) fn take_in(&mut self, since: Duration, tally: &Tally) {
        (self.since, self.tally) = (since, tally.clone());
        let gap = since.saturating_sub(self.point_at);
        if gap < POINT {
            return;
        }
        let ended = tally.outcomes.total();
        let rate = (ended - self.point_ended.min(ended)) as f64 / gap.as_secs_f64();
        (self.point_at, self.point_ended) = (since, ended);
        if self.rates.len() == POINTS {
            self.rates.pop_front();
        }
        self.rates.push_back(rate.round() as u64);
    }

    /// Draws all of it.
    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let [head, rate, times, outcomes, left, alarm] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(6),
            Constraint::Length(10),
            Constraint::Length(4),
            Constraint::Length(3),
            Constraint::Min(1),
        ])
        .areas(frame.area());
        let seconds = format!("  {:.0} s", self.since.as_secs_f64());
        let title = Span::styled(&self.title, Style::new().add_modifier(Modifier::BOLD));
        frame.render_widget(Line::from(vec![title, Span::raw(seconds)]), head);
        self.draw_rate(frame, rate);
        frame.render_widget(self.times(), times);
        frame.render_widget(self.outcomes(), outcomes);
        self.draw_left(frame, left);
        frame.render_widget(self.alarm(), alarm);
    }

    fn draw_rate(&self, frame: &mut Frame<'_>, area: Rect) {
        let reached = self.rates.back().copied().unwrap_or(0);
        let title = match self.asked_rps {
            Some(asked) => format!(" {reached}/s of {asked:.0}/s asked for on average "),
            None => format!(" {reached}/s "),
        };
        let width = usize::from(area.width.saturating_sub(2));
        let shown: Vec<u64> = self.rates.iter().rev().take(width).rev().copied().collect();
        let graph = Sparkline::default().block(Block::bordered().title(title)).data(shown);
        frame.render_widget(graph, area);
    }

    fn times(&self) -> Table<'static> {
        let clocks = &self.tally.clocks;
        let response = Percentiles::of(&clocks.response_ns);
        let service = Percentiles::of(&clocks.service_ns);
        let rows = response.quoted().into_iter().zip(service.quoted());
        let rows = rows.map(|((name, response), (_, service))| {
            Row::new([name.to_owned(), latency(response), latency(service)])
        });
        let widths = [Constraint::Length(10), Constraint::Length(14), Constraint::Length(14)];
        let header = Row::new(["", "response", "service"]);
        Table::new(rows, widths).header(header).block(Block::bordered().title(" time "))
    }

    fn outcomes(&self) -> Paragraph<'static> {
        let outcomes = &self.tally.outcomes;
        let mut good = format!(
            "sold {}   sold out {}   found {}",
            outcomes.sold, outcomes.sold_out, outcomes.found
        );
        if outcomes.held + outcomes.given_back > 0 {
            good.push_str(&format!(
                "   held {}   given back {}",
                outcomes.held, outcomes.given_back
            ));
        }
        let bad = format!(
            "refused {}   error {}   unknown {}",
            outcomes.refused, outcomes.error, outcomes.unknown
        );
        let style = if outcomes.failed() > 0 { Style::new().fg(Color::Red) } else { Style::new() };
        Paragraph::new(vec![Line::raw(good), Line::styled(bad, style)])
            .block(Block::bordered().title(" outcomes "))
    }

    fn draw_left(&self, frame: &mut Frame<'_>, area: Rect) {
        let block = Block::bordered().title(" left ");
        let left = self.tally.left.map(|(_, left)| left).or(self.initial);
        let (Some(left), Some(initial)) = (left, self.initial) else {
            let text = left.map_or_else(|| "not known".to_owned(), |left| left.to_string());
            return frame.render_widget(Paragraph::new(text).block(block), area);
        };
        let share = (left as f64 / (initial as f64).max(1.0)).clamp(0.0, 1.0);
        let gauge =
            Gauge::default().block(block).ratio(share).label(format!("{left} of {initial}"));
        frame.render_widget(gauge, area);
    }

    /// More sold than there were: nobody has to wait for the verdict.
    fn alarm(&self) -> Paragraph<'static> {
        match self.sold_max {
            Some(most) if i128::from(self.tally.sold_ever) > most => {
                let style = Style::new().fg(Color::White).bg(Color::Red);
                let text = format!(" OVERSOLD: {} sold of {most} ", self.tally.sold_ever);
                Paragraph::new(text).style(style.add_modifier(Modifier::BOLD))
            }
            _ => Paragraph::new("Ctrl-C ends the run and prints what was measured"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::tally::{Ending, Seen, WorkerTally};

    fn drawn(view: &LiveView) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 25)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    fn tally(sales: u64) -> Tally {
        let mut tally = WorkerTally { sold_ever: sales, ..WorkerTally::default() };
        for _ in 0..sales {
            tally.begin();
            tally.end(&Seen {
                ending: Ending::Sold,
                was_sent: true,
                cause: None,
                due_ns: 0,
                sent_ns: 1_000_000,
                answered_ns: 3_000_000,
            });
        }
        tally.see_left(1, i64::try_from(100_u64.saturating_sub(sales)).unwrap());
        tally.told()
    }

    #[test]
    fn the_view_shows_rate_both_clocks_outcomes_and_what_is_left() {
        let mut view = LiveView::new("4 clients", (Some(100), Some(100)), Some(60.0));
        view.take_in(Duration::from_secs(1), &tally(60));
        let text = drawn(&view);
        for shown in [
            "4 clients  1 s",
            "60/s of 60/s",
            "response",
            "3.00 ms",
            "2.00 ms",
            "sold 60",
            "40 of 100",
        ] {
            assert!(text.contains(shown), "no `{shown}`:\n{text}");
        }
        assert!(!text.contains("OVERSOLD"), "{text}");
    }

    #[test]
    fn more_sold_than_there_was_raises_the_alarm() {
        let mut view = LiveView::new("4 clients", (Some(100), Some(100)), None);
        view.take_in(Duration::from_secs(1), &tally(101));
        assert!(drawn(&view).contains("OVERSOLD: 101 sold of 100"));
    }

    #[test]
    fn a_small_terminal_is_no_reason_to_fail() {
        let view = LiveView::new("4 clients", (None, None), None);
        for (width, height) in [(1, 1), (20, 5)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| view.draw(frame)).unwrap();
        }
    }
}
