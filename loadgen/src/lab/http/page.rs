//! The lab's page: what stands in it from the start; the script fills in what happens.

use maud::{Markup, html};

use crate::{
    lab::model::program::VARIANTS,
    page::{Reach, document_reaching},
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page, in UTF-8, for whoever has `token`, or may only watch.
pub(super) fn render(token: Option<&str>) -> String {
    let drives = token.is_some();
    let body = html! {
        div #lab tabindex="-1" data-token=[token] {
            header {
                h1 { "The lab" }
                p #connection role="status" {
                    @if drives { "Starting the workers …" } @else { "You are watching: somebody else drives." }
                }
            }
            main {
                (mission(drives))
                (stage(drives))
                div.side-by-side {
                    (program())
                    (schedule(drives))
                }
                (costs())
                (map(drives))
                @if drives { (scene()) }
            }
            noscript { p { "This page needs JavaScript: it shows what happens while it happens." } }
        }
    };
    document_reaching(Reach::Origin, "The lab", STYLE, Some(SCRIPT), &body)
}

fn mission(drives: bool) -> Markup {
    html! {
        section #mission aria-labelledby="mission-title" {
            div.over {
                span #mission-place {}
                @if drives { button #all-missions type="button" { "All missions" } }
            }
            h2 #mission-title tabindex="-1" {}
            p #task {}
            details #hint { summary { "A hint" } p #hint-text {} }
        }
    }
}

fn stage(drives: bool) -> Markup {
    html! {
        section #stage aria-labelledby="stage-title" {
            h2.heard-only #stage-title { "Workers and file" }
            div.cards {
                div #workers {}
                div #shop {
                    h3 { "db.txt" }
                    pre #file aria-label="What db.txt holds" {}
                    h3 { "Locks" }
                    ul #locks role="list" {}
                    h3 { "Sold" }
                    ul #sales role="list" {}
                }
            }
            p #said role="status" aria-live="polite" {}
            div #done hidden {
                p.thing { "✓ Done. This is called: " strong #thing {} }
                p #shows {}
                p.quiet { "More of it, in a terminal: " code #lesson {} }
                @if drives { button #next-mission type="button" { "Next mission" } }
            }
            @if drives {
                div.tools role="group" aria-label="Go back" {
                    button #back type="button" { "Back one step" }
                    button #start-over type="button" { "Start over" }
                    label.keys { input #keys type="checkbox" checked; " Keys 1 to " span #keys-range { "5" } " step, B goes back, O starts over" }
                }
            }
        }
    }
}

fn program() -> Markup {
    html! {
        section aria-labelledby="program-title" {
            h2 #program-title { "The program that every worker runs" }
            p.quiet #about {}
            div.table.listing {
                table {
                    thead {
                        tr {
                            th scope="col" { "Next" }
                            th scope="col" { "Step" }
                            th scope="col" { "Rust" }
                            th scope="col" { "Python" }
                        }
                    }
                    tbody #lines {}
                }
            }
        }
    }
}

fn schedule(drives: bool) -> Markup {
    html! {
        section aria-labelledby="schedule-title" {
            h2 #schedule-title { "What has happened" }
            p.quiet #no-steps { "Nothing yet." }
            div.table.lanes { table { thead { tr #lanes-head {} } tbody #lanes {} } }
            p #ending {}
            div.tools {
                @if drives {
                    button #again type="button" { "Play it again" }
                    label {
                        "Speed "
                        select #speed {
                            option value="1500" { "slow" }
                            option value="500" selected { "walking" }
                            option value="120" { "fast" }
                            option value="0" { "at once" }
                        }
                    }
                    button #pause type="button" hidden { "Stop here" }
                }
                a #picture href="/picture.svg" download="schedule.svg" { "Save as a picture" }
                a #file-link href="/schedule.json" download="schedule.json" { "Save as a file" }
                button #copy type="button" { "Copy a link" }
                @if drives {
                    label.pick { "Open a file" input #open type="file" accept=".json,application/json"; }
                }
            }
            @if drives {
                div.tools {
                    button #random type="button" { "Play a random schedule" }
                    label { "Seed " input #seed type="number" min="0" max="999999" value="1" inputmode="numeric"; }
                }
            }
        }
    }
}

/// What each locking cost that was brought to its end.
fn costs() -> Markup {
    html! {
        section #costs aria-labelledby="costs-title" hidden {
            h2 #costs-title { "What each locking cost, and whom" }
            p.quiet {
                "Counted in steps, and kept from play to play: bring the same workers to their end with another \
                 locking, and compare. A worker waits from its first step until it reads the count that it decides \
                 by, while others take theirs. Out of turn: of any two workers, how often the one that came later \
                 was served first. Jain's index is 1 where all wait alike."
            }
            div.table {
                table {
                    thead {
                        tr {
                            th scope="col" { "Locking" }
                            th scope="col" { "Came to" }
                            th scope="col" { "Waited, median" }
                            th scope="col" { "Waited, longest" }
                            th scope="col" { "Served in 100 steps" }
                            th scope="col" { "Out of turn" }
                            th scope="col" { "Fairness (Jain)" }
                        }
                    }
                    tbody #costs-rows {}
                }
            }
            img #costs-picture alt="The same as bars: who waited for how many steps, and was served when.";
            div.tools { a href="/costs.svg" download="costs.svg" { "Save as a picture" } }
        }
    }
}

fn map(drives: bool) -> Markup {
    html! {
        section #all aria-labelledby="map-title" {
            h2 #map-title { "Every order there is" }
            p #counted {}
            p #from-here {}
            div #map hidden {
                ul.legend role="list" {
                    li { span.key.right {} "right" }
                    li data-kind="sold-twice" { span.key.sold-twice {} "one ticket sold twice" }
                    li data-kind="broke" { span.key.broke {} "a worker crashed" }
                    li data-kind="deadlock" { span.key.deadlock {} "deadlock" }
                }
                div.dots { canvas #dots aria-hidden="true" {} }
                label #number-label for="number" { "Schedule" }
                input #number type="range" min="0" max="0" value="0" aria-describedby="chosen";
                p #chosen aria-live="polite" {}
                div.tools {
                    button #next-wrong type="button" { "Next that goes wrong" }
                    @if drives { button #play-chosen type="button" { "Play it for real" } }
                }
            }
        }
    }
}

/// The missions, and the lab as one likes.
fn scene() -> Markup {
    html! {
        section aria-labelledby="missions-title" {
            h2 #missions-title tabindex="-1" { "Missions" }
            ol #missions {}
        }
        section aria-labelledby="scene-title" {
            h2 #scene-title { "A lab of your own" }
            form #scene {
                label {
                    "Locking "
                    select #variant {
                        @for variant in VARIANTS {
                            option value=(variant.name()) { (variant.title()) }
                        }
                    }
                }
                label {
                    "Workers "
                    select #workers-number { @for number in 2..=5 { option value=(number) { (number) } } }
                }
                label {
                    "Tickets "
                    input #tickets type="number" min="1" max="20" value="1" inputmode="numeric";
                }
                button type="submit" { "Set it up" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_may_drive_gets_a_token_and_buttons_that_do_something() {
        let driver = render(Some("secret"));
        assert!(driver.contains("data-token=\"secret\"") && driver.contains("id=\"start-over\""));
        let follower = render(None);
        assert!(!follower.contains("data-token=") && !follower.contains("id=\"start-over\""));
    }

    #[test]
    fn the_page_asks_its_own_server_only() {
        let page = render(None);
        assert!(page.contains("connect-src 'self'"), "{page}");
        for outside in ["http://", "https://", "url(", "@import", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
