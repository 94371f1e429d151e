//! What a client would rather have (`Accept`, RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

/// How a client would like to see a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Representation {
    /// As JSON, as every program that says nothing else.
    Json,
    /// As a page: a browser.
    Page,
    /// As its QR code alone: the page itself.
    Svg,
}

/// The representation that is asked for by name with the greatest weight; a star names none.
pub fn preferred(headers: &HeaderMap) -> Representation {
    let weight_of = |name: &str| weight(headers, name);
    let json = weight_of("application/json");
    let (page, svg) = (weight_of("text/html"), weight_of("image/svg+xml"));
    if page > 0 && page >= json && page >= svg {
        Representation::Page
    } else if svg > json {
        Representation::Svg
    } else {
        Representation::Json
    }
}

/// Whether a list is rather asked for as a table, for a spreadsheet.
pub fn prefers_table(headers: &HeaderMap) -> bool {
    weight(headers, "text/csv") > weight(headers, "application/json")
}

/// The weight that `Accept` gives to a type that it names, in thousandths; 0 where it names it not.
fn weight(headers: &HeaderMap, name: &str) -> u16 {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    let weights = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|range| range.eq_ignore_ascii_case(name));
        is_named.then(|| parts.find_map(quality).unwrap_or(1000))
    });
    weights.max().unwrap_or_default()
}

/// `q=0.9` as 900.
fn quality(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, decimals) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let thousandths = format!("{decimals:0<3}");
    let thousandths: u16 = thousandths.get(..3)?.parse().ok()?;
    Some((whole.parse::<u16>().ok()?.min(1) * 1000 + thousandths).min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_a_page_and_a_program_gets_json() {
        let preferred_by = |accept: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, value.parse().unwrap());
            }
            preferred(&headers)
        };
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,\
                       image/webp,image/apng,*/*;q=0.8";
        assert_eq!(preferred_by(&[browser]), Representation::Page);
        assert_eq!(preferred_by(&["TEXT/HTML ; q=0.5"]), Representation::Page);
        assert_eq!(
            preferred_by(&["application/json;q=0.4", "text/html;q=0.7"]),
            Representation::Page
        );
        assert_eq!(preferred_by(&["image/svg+xml"]), Representation::Svg);
        for accept in [
            &[][..],
            &["*/*"],
            &["text/*"],
            &["application/json"],
            &["application/json, text/plain, */*"],
            &["application/json, text/html;q=0.9"],
            &["text/html;q=0"],
            &["text/htmlx"],
        ] {
            assert_eq!(preferred_by(accept), Representation::Json, "{accept:?}");
        }
    }
}
