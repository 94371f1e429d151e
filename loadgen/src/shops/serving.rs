//! One shop, served until somebody ends it.

use super::{args::ShopArgs, error::ShopsError, gallery::named, service::Service};
use crate::{exit_code, lead::Interrupts, report::say, words::paragraph};

/// Serves the shop that `args` name; returns the exit code.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn serve(args: &ShopArgs) -> Result<u8, ShopsError> {
    // On this thread: the second process's lifeline hangs on the thread that spawns it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ShopsError::Start)?;
    let served = runtime.block_on(serve_until_interrupted(args));
    runtime.shutdown_background();
    served
}

async fn serve_until_interrupted(args: &ShopArgs) -> Result<u8, ShopsError> {
    let mut interrupts = Interrupts::new().map_err(ShopsError::Start)?;
    let exhibit = named(&args.name).expect("only names of the gallery can be typed");
    let load = exhibit.load;
    let tickets = args.tickets.unwrap_or(load.tickets);
    let service = Service::open(exhibit, args.mended, tickets, args.listen).await?;
    let url = service.url();
    let (what, does) = match args.mended {
        true => (format!("the mended twin of {}", exhibit.name), exhibit.mended),
        false => (exhibit.name.to_owned(), exhibit.bug),
    };
    say(&paragraph(&format!("{what}: {does}.")));
    say(&paragraph(&format!("{} {}", exhibit.story, exhibit.source)));
    say(&format!("hint: loadgen run {url} {}", load.flags()));
    say(&format!("listening on {url}"));
    interrupts.next().await;
    service.close().await.map_err(ShopsError::Close)?;
    Ok(exit_code::VALID)
}
