//! What follows on an answer that leads elsewhere. Pure.

use url::Url;

use super::fault::Cause;

/// How many redirects are followed for one call, one after the other.
pub(super) const REDIRECTS_MAX: usize = 10;

/// Whether `status` leads elsewhere, where there is a `Location`.
pub(super) fn leads_on(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Whether a request of `method` becomes a `GET` without a body behind `status`, as in browsers (Fetch, 4.4).
pub(super) fn becomes_get(status: u16, method: &str) -> bool {
    match status {
        303 => method != "GET",
        301 | 302 => method == "POST",
        _ => false,
    }
}

/// Where `location` leads from `from`, which is of the shop.
///
/// # Errors
/// Nowhere, or to another host.
pub(super) fn target(from: &Url, location: &str) -> Result<Url, Cause> {
    let mut url = from.join(location).map_err(|_| Cause::NoUrl(location.to_owned()))?;
    url.set_fragment(None);
    if url.origin() != from.origin() {
        let host = match url.host() {
            Some(host) => {
                format!("{}://{host}:{}", url.scheme(), url.port_or_known_default().unwrap_or(0))
            }
            None => url.to_string(),
        };
        return Err(Cause::OtherHost(host));
    }
    Ok(url)
}

/// Whether one more stop than `stops` is one too many, and why.
pub(super) fn check_end(stops: &[String]) -> Result<(), Cause> {
    if stops.len() <= REDIRECTS_MAX {
        return Ok(());
    }
    let last = stops.last();
    let circle = stops.iter().rev().skip(1).position(|stop| Some(stop) == last);
    Err(match circle {
        Some(length) => Cause::Circle(stops[stops.len() - length - 2..].join(" → ")),
        None => Cause::ManyRedirects(REDIRECTS_MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shop_is_led_to() {
        let from = Url::parse("http://shop.test:8080/cart/7").unwrap();
        for (location, to) in [
            ("/done", Some("http://shop.test:8080/done")),
            ("pay?x=1#top", Some("http://shop.test:8080/cart/pay?x=1")),
            ("http://SHOP.test:8080/x", Some("http://shop.test:8080/x")),
            ("http://shop.test/x", None),
            ("https://shop.test:8080/x", None),
            ("//pay.test/x", None),
            ("mailto:a@b", None),
            ("http://[", None),
        ] {
            let target = target(&from, location);
            assert_eq!(target.as_ref().ok().map(Url::as_str), to, "{location}: {target:?}");
        }
    }

    #[test]
    fn a_circle_is_told_from_a_long_way() {
        let stops =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let circle = stops(&["/", "/a", "/b"].repeat(4));
        assert_eq!(
            check_end(&circle),
            Err(Cause::Circle("/b → /a → /b".replace("/b → /a", "/b → / → /a")))
        );
        let long: Vec<String> = (0..11).map(|stop| format!("/{stop}")).collect();
        assert_eq!(check_end(&long), Err(Cause::ManyRedirects(10)));
        assert_eq!(check_end(&long[..10]), Ok(()));
    }

    #[test]
    fn a_form_that_is_answered_with_a_page_to_see_is_not_sent_there() {
        assert!(becomes_get(303, "POST") && becomes_get(302, "POST") && becomes_get(303, "PUT"));
        assert!(!becomes_get(307, "POST") && !becomes_get(308, "POST") && !becomes_get(302, "PUT"));
    }
}
