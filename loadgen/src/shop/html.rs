//! Characters as a page has them: what must not stand there as it is, stands there by its name or its number.

/// A value as it stands in a page: what HTML must not have in an attribute stands there by its name.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        plain.push_str(before);
        let name = behind.split_once(';').map(|(name, after)| (entity(name), after));
        match name {
            Some((Some(character), after)) => {
                plain.push(character);
                rest = after;
            }
            _ => {
                plain.push('&');
                rest = behind;
            }
        }
    }
    plain + rest
}

/// The character that stands in a page as `&name;`.
pub(super) fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_pages_are_read_as_browsers_read_them() {
        assert_eq!(unescaped("a&amp;b &lt;&#43;&#x2F;&quot; &nosuch; &"), "a&b <+/\" &nosuch; &");
    }
}
