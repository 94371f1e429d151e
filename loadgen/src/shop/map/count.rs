//! What is left, as answers say it: a number, a sum of several, or a word.

use std::{collections::BTreeMap, fmt};

use super::{
    place::{Looked, Place},
    text::plain,
};

/// How a count is read: places that are added and taken off, as in `/onHand - /allocated`.
#[derive(Clone, Debug)]
pub(in crate::shop) struct Count {
    terms: Vec<(Sign, Term)>,
    /// What words mean that stand for a count.
    words: BTreeMap<String, Option<i64>>,
    /// Whether what is below nothing is told as nothing.
    is_clamped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

#[derive(Clone, Debug)]
enum Term {
    Place(Place),
    Number(i64),
}

/// What an answer says of what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shop) enum Counted {
    /// So many.
    Number(i64),
    /// A word that says that some are left, and not how many.
    Some(String),
    /// Nothing.
    Nothing,
}

impl Count {
    /// Reads `/left`, or a sum such as `/onHand - /allocated - 2`. A pattern has no sum around it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let plain = |terms| Self { terms, words: BTreeMap::new(), is_clamped: false };
        if text.starts_with("regex:") {
            return Ok(plain(vec![(Sign::Plus, Term::Place(Place::parse(text)?))]));
        }
        let mut terms = Vec::new();
        let mut sign = Sign::Plus;
        for (place, word) in text.split(' ').enumerate() {
            match (place % 2, word) {
                (1, "+") => sign = Sign::Plus,
                (1, "-") => sign = Sign::Minus,
                (1, _) => {
                    return Err(format!(
                        "`{text}` is no sum of places, as `/onHand - /allocated` is: between two of \
                         them is ` + ` or ` - `"
                    ));
                }
                _ => terms.push((
                    sign,
                    match word.parse() {
                        Ok(number) => Term::Number(number),
                        Err(_) => Term::Place(Place::parse(word)?),
                    },
                )),
            }
        }
        let is_place = |(_, term): &(Sign, Term)| matches!(term, Term::Place(_));
        if text.ends_with([' ', '+', '-']) || !terms.iter().any(is_place) {
            return Err(format!("`{text}` is no count, as `/left` and `/onHand - /allocated` are"));
        }
        Ok(plain(terms))
    }

    /// The same where these words stand for counts, `None` for one that is not said.
    pub(super) fn with_words(self, words: BTreeMap<String, Option<i64>>) -> Self {
        Self { words, ..self }
    }

    /// The same where what is below nothing is told as nothing.
    pub(super) fn clamped(self, is_clamped: bool) -> Self {
        Self { is_clamped, ..self }
    }

    /// What `answer` says.
    pub(in crate::shop) fn read(&self, answer: &Looked<'_>) -> Counted {
        if let [(_, Term::Place(place))] = &self.terms[..]
            && let Some(found) = place.find(answer)
            && let Some(meaning) = self.words.get(plain(&found).trim())
        {
            return meaning
                .map_or_else(|| Counted::Some(plain(&found).into_owned()), Counted::Number);
        }
        let mut sum = Some(0_i64);
        for (sign, term) in &self.terms {
            let count = match term {
                Term::Number(number) => Some(*number),
                Term::Place(place) => place.count(answer),
            };
            sum = sum.zip(count).and_then(|(sum, count)| match sign {
                Sign::Plus => sum.checked_add(count),
                Sign::Minus => sum.checked_sub(count),
            });
        }
        match sum {
            Some(sum) if self.is_clamped => Counted::Number(sum.max(0)),
            Some(sum) => Counted::Number(sum),
            None => Counted::Nothing,
        }
    }

    /// The first of its places where `answer` has no number.
    pub(super) fn missing(&self, answer: &Looked<'_>) -> Option<&Place> {
        self.terms.iter().find_map(|(_, term)| match term {
            Term::Place(place) => place.count(answer).is_none().then_some(place),
            Term::Number(_) => None,
        })
    }

    /// The number that `answer` says.
    pub(in crate::shop) fn number(&self, answer: &Looked<'_>) -> Option<i64> {
        match self.read(answer) {
            Counted::Number(number) => Some(number),
            Counted::Some(_) | Counted::Nothing => None,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (sign, term)) in self.terms.iter().enumerate() {
            match (place, sign) {
                (0, _) => {}
                (_, Sign::Plus) => f.write_str(" + ")?,
                (_, Sign::Minus) => f.write_str(" - ")?,
            }
            match term {
                Term::Place(place) => place.fmt(f)?,
                Term::Number(number) => number.fmt(f)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(count: &Count, text: &str) -> Counted {
        let json = serde_json::from_str(text).unwrap_or_default();
        count.read(&Looked { text: text.into(), json, fields: "" })
    }

    #[test]
    fn a_count_may_be_a_sum() {
        let stock = r#"{"onHand": 12, "allocated": "5", "states": {"lost": 3}}"#;
        for (text, counted) in [
            ("/onHand", Counted::Number(12)),
            ("/onHand - /allocated", Counted::Number(7)),
            ("/onHand - /allocated - /states/lost + 1", Counted::Number(5)),
            ("/allocated - /onHand", Counted::Number(-7)),
            ("/onHand - /reserved", Counted::Nothing),
            (r#"regex:"onHand": (\d+)"#, Counted::Number(12)),
        ] {
            let count = Count::parse(text).unwrap();
            assert_eq!((read(&count, stock), count.to_string().as_str()), (counted, text));
        }
        let clamped = Count::parse("/allocated - /onHand").unwrap().clamped(true);
        assert_eq!(read(&clamped, stock), Counted::Number(0));
    }

    #[test]
    fn a_word_may_stand_for_a_count_or_only_for_some() {
        let words = [("SOLD_OUT", Some(0)), ("LAST_ONE", Some(1)), ("IN_STOCK", None)];
        let words = words.map(|(word, count)| (word.to_owned(), count)).into_iter().collect();
        let count = Count::parse("/state").unwrap().with_words(words);
        for (state, counted) in [
            ("\"SOLD_OUT\"", Counted::Number(0)),
            ("\"LAST_ONE\"", Counted::Number(1)),
            ("\"IN_STOCK\"", Counted::Some("IN_STOCK".to_owned())),
            ("\"17\"", Counted::Number(17)),
            ("\"SOON\"", Counted::Nothing),
        ] {
            assert_eq!(read(&count, &format!("{{\"state\": {state}}}")), counted);
        }
    }

    #[test]
    fn what_is_no_sum_is_refused() {
        for text in ["left", "/a /b", "/a -", "/a - ", "- /a", "1 - 2", "/a * /b", "/a -  /b"] {
            assert!(Count::parse(text).is_err(), "{text}");
        }
    }
}
