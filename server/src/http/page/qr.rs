//! QR codes (ISO/IEC 18004) as pictures that a page can hold.

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use qrcodegen::{QrCode, QrCodeEcc};

/// The quiet zone around a code, in modules: as wide as the standard wants it.
const QUIET: i32 = 4;

/// The code of `text` as an SVG, black on white in every colour scheme, since scanners want it so.
///
/// `None` where `text` is longer than a code holds, some 2,300 bytes.
pub fn svg(text: &str) -> Option<String> {
    // A quarter of the code may be hidden at `Quartile`, but the modules get small; 15 % is for a screen
    // and a folded sheet enough.
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let width = (x..code.size()).take_while(|&x| code.get_module(x, y)).count();
            let width = i32::try_from(width).unwrap_or_default();
            if width > 0 {
                // A run of dark modules is one rectangle.
                let (left, top) = (x + QUIET, y + QUIET);
                write!(path, "M{left} {top}h{width}v1h-{width}z").ok()?;
            }
            x += width.max(1);
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path d=\"{path}\"/></svg>"
    ))
}

/// The code of `text` as an address that holds the picture itself.
pub fn data_address(text: &str) -> Option<String> {
    let svg = svg(text)?;
    Some(format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(svg)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules that the path paints, read back from the SVG.
    fn painted(svg: &str) -> Vec<(i32, i32)> {
        let (_, path) = svg.split_once("/><path d=\"").unwrap();
        let (path, _) = path.split_once('"').unwrap();
        path.split('M')
            .skip(1)
            .flat_map(|run| {
                let numbers: Vec<i32> =
                    run.split(['h', ' ', 'v']).take(3).map(|text| text.parse().unwrap()).collect();
                (0..numbers[2]).map(move |at| (numbers[0] - QUIET + at, numbers[1] - QUIET))
            })
            .collect()
    }

    #[test]
    fn picture_has_the_modules_of_the_code_and_no_others() {
        let text = "https://shop.example/tickets/receipts/AAAAAAAAAAHVmM1vIy2Gvi5TbuZ11vqK";
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let painted = painted(&svg(text).unwrap());
        for y in 0..code.size() {
            for x in 0..code.size() {
                assert_eq!(painted.contains(&(x, y)), code.get_module(x, y), "{x}, {y}");
            }
        }
    }

    #[test]
    fn text_stands_nowhere_in_the_picture() {
        let svg = svg("\"><script>alert(1)</script>").unwrap();
        assert_eq!(svg.matches('<').count(), 4, "{svg}");
        assert!(!svg.contains("script"), "{svg}");
    }

    #[test]
    fn text_that_no_code_holds_has_none() {
        assert!(svg(&"x".repeat(2_000)).is_some());
        assert_eq!(svg(&"x".repeat(3_000)), None);
    }
}
