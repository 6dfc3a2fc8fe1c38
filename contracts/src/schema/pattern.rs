//! What a pattern can cost: how many states its automaton has, roughly and rather too many than too few.

/// Characters of one of Unicode's properties are hundreds of ranges.
const PROPERTY: u64 = 100;

/// Everything but a few characters, in UTF-8.
const WIDE: u64 = 8;

/// The number of states, saturating. A pattern that is none gets some number; compiling refuses it.
pub(super) fn weight(pattern: &str) -> u64 {
    // For every open group: what is finished in it, and its last piece, which a repetition multiplies.
    let mut open = vec![(1u64, 0u64)];
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let mut piece = match c {
            '(' => {
                open.push((1, 0));
                continue;
            }
            ')' => match open.pop() {
                Some((done, last)) if !open.is_empty() => done.saturating_add(last),
                Some(group) => {
                    open.push(group);
                    1
                }
                None => 1,
            },
            '\\' => match rest.next() {
                Some('p' | 'P') => {
                    if rest.peek() == Some(&'{') {
                        rest.by_ref().find(|c| *c == '}');
                    }
                    PROPERTY
                }
                Some('W' | 'D' | 'S') => WIDE,
                _ => 1,
            },
            '[' => class(&mut rest),
            '.' => WIDE,
            _ => 1,
        };
        if rest.peek() == Some(&'{') {
            let count: String = rest.clone().skip(1).take_while(|c| *c != '}').collect();
            let most = count.split(',').filter_map(|number| number.trim().parse::<u64>().ok()).max();
            if let Some(most) = most {
                piece = piece.saturating_mul(most.max(1));
                rest.nth(count.chars().count() + 1);
            }
        }
        if let Some((done, last)) = open.last_mut() {
            *done = done.saturating_add(*last);
            *last = piece;
        }
    }
    open.into_iter().fold(0, |sum, (done, last)| sum.saturating_add(done).saturating_add(last))
}

/// A class in brackets, the first of which has been read.
fn class(rest: &mut std::iter::Peekable<std::str::Chars>) -> u64 {
    let mut states = if rest.peek() == Some(&'^') { WIDE } else { 1 };
    while let Some(c) = rest.next() {
        match c {
            ']' => break,
            '\\' => match rest.next() {
                Some('p' | 'P') => states += PROPERTY,
                Some('W' | 'D' | 'S') => states += WIDE,
                _ => {}
            },
            _ if !c.is_ascii() => states += 2,
            _ => {}
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn repetitions_multiply_what_they_repeat() {
        assert!(weight("^[a-z0-9]+(-[a-z0-9]+)*$") < 20);
        assert!((60..90).contains(&weight("^[a-z]{1,63}$")));
        assert!((500..900).contains(&weight(r"^[a-z]{1,63}(\.[a-z]{1,63}){1,8}$")));
        assert!(weight("((((a{100}){100}){100}){100}){100}") >= 10_000_000_000);
        assert!(weight(r"\p{L}{1,64}") >= 6400);
        assert!(weight("^(([a-z])+.)+[A-Z]([a-z])+$") < 40);
        // Repetitions one after the other add up.
        assert!(weight(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$") < 40);
        for text in ["", ")", "(((", "[", "[^", "a{", "a{,}", "\\", "{3}", "a{99999999999999999999999}"] {
            assert!(weight(text) < 100 || text.contains("999"), "{text}");
        }
    }
}
