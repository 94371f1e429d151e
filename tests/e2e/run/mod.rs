//! `loadgen run`: load in a closed and an open loop, by both clocks, judged in the end.

mod advice;
mod answers;
mod bad_input;
mod bad_servers;
mod box_office;
mod ci_output;
mod clocks;
mod drafts;
mod first_maps;
mod flow_input;
mod flows;
mod foreign_shop;
mod fresh_stock;
mod history;
mod http2;
mod lost_files;
mod measured;
mod modes;
mod processes;
mod products;
pub(crate) mod python_shop;
mod rehearsals;
mod retries;
mod rounds;
mod shops;
mod tls;
mod words;
