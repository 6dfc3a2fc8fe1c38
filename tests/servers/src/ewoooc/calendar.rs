//! Days as numbers and as texts. Only what the sample needs: no time zones, since all its times are those of Taipei.

/// Days from 1970-01-01, in the Gregorian calendar.
pub type Day = i64;

/// The day of a date, if there is one.
pub fn day(year: i64, month: i64, of_month: i64) -> Option<Day> {
    let known = (1..=12).contains(&month) && (1..=month_length(year, month)).contains(&of_month);
    // Years begin in March here: the day that is not always there is then the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_month = (153 * month + 2) / 5;
    known.then_some(365 * year + leap_days + before_month + of_month - 1 - 719_468)
}

fn month_length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The last day of a month, as a text.
pub fn month_end(year: i64, month: i64) -> String {
    format!("{year:04}-{month:02}-{:02}", month_length(year, month))
}

/// The day that a text like `2026-01-31` names.
pub fn parse(text: &str) -> Option<Day> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse().ok());
    if !shaped {
        return None;
    }
    day(number(0..4)?, number(5..7)?, number(8..10)?)
}

/// The text of a day.
pub fn text(day: Day) -> String {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    format!("{:04}-{month:02}-{of_month:02}", year + year_of_era + era * 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_has_its_own_date() {
        let (first, last) = (parse("1900-01-01").unwrap(), parse("2300-12-31").unwrap());
        assert_eq!(last - first, 146_461);
        let mut before = String::new();
        for day in first..=last {
            let date = text(day);
            assert!(date > before, "{date} after {before}");
            assert_eq!(parse(&date), Some(day));
            before = date;
        }
        assert_eq!(parse("1970-01-01"), Some(0));
    }

    #[test]
    fn what_is_no_date_is_no_day() {
        for wrong in
            ["2026-02-29", "2026-13-01", "2026-00-10", "2026-1-31", "20260131", "2026-01-31 ", "２０２６-01-31"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
