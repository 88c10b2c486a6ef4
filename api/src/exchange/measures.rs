//! What kind of quantity a publisher's words for measure and unit mean. Used only for indicators that an import creates;
//! whatever is not certain is [`Measure::Other`], which refuses no number.

use domain::{
    fold::fold,
    indicator::Measure,
    key::{CountryCode, CurrencyCode},
};

/// The kind of quantity, and the currency of an amount of money if it is certain:
///
/// | unit, or measure where the unit is blank | kind |
/// |---|---|
/// | `%`, `percentage`, `percent`, `pourcentage` | PERCENTAGE, unless the name speaks of growth, change or a ratio |
/// | … `per` or `pour` 100, 1,000, 10 000, 100,000, 1,000,000 … | RATE |
/// | `£`, `$`, `€`, `pounds`, `dollars`, `euros`, nothing else | AMOUNT (`£ million` is not: it is not in units of the currency) |
/// | `seconds`, `minutes`, `mins`, `hours`, `days`, `number of days`, … | DURATION |
/// | `index`, `index value`, `score` | INDEX |
/// | anything else | OTHER |
///
/// A count is never assumed, since counts must be whole and not negative and nothing says so.
pub fn classify(
    name: &str,
    measure: &str,
    unit: &str,
    country: Option<&CountryCode>,
) -> (Measure, Option<CurrencyCode>) {
    let text = fold(if unit.is_empty() { measure } else { unit });
    let measure = match text.as_str() {
        "%" | "percentage" | "percent" | "pourcentage" | "per cent" => {
            let name = fold(name);
            // A percentage with the range 0 to 100 is a share of a whole; these are not.
            let other = ["growth", "change", "ratio", "croissance", "variation", "changement"];
            let speaks_of = |word: &str| name.split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
            if other.into_iter().any(speaks_of) { Measure::Other } else { Measure::Percentage }
        }
        "£" | "pounds" | "gbp" => return (Measure::Amount, "GBP".parse().ok()),
        "€" | "euros" | "eur" => return (Measure::Amount, "EUR".parse().ok()),
        "$" | "dollars" => return (Measure::Amount, country.and_then(dollars)),
        "cad" | "usd" | "aud" | "nzd" => return (Measure::Amount, text.to_uppercase().parse().ok()),
        "seconds" | "minutes" | "mins" | "hours" | "days" | "number of days" | "weeks" | "months" | "years"
        | "nights" => Measure::Duration,
        "index" | "index value" | "score" | "indice" => Measure::Index,
        _ if is_rate(&text) => Measure::Rate,
        _ => Measure::Other,
    };
    (measure, None)
}

fn dollars(country: &CountryCode) -> Option<CurrencyCode> {
    let code = match country.as_str() {
        "CA" => "CAD",
        "US" => "USD",
        "AU" => "AUD",
        "NZ" => "NZD",
        _ => return None,
    };
    code.parse().ok()
}

/// Whether a text says “per 1,000”, “pour 100 000” or the like.
fn is_rate(text: &str) -> bool {
    ["per ", "pour ", "par "].iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let rest = text.get(at + word.len()..).unwrap_or_default();
            let number: String = rest
                .chars()
                .take_while(|c| c.is_ascii_digit() || matches!(c, ',' | ' '))
                .filter(char::is_ascii_digit)
                .collect();
            ["100", "1000", "10000", "100000", "1000000"].contains(&number.as_str())
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_more_than_other() {
        let canada: CountryCode = "CA".parse().unwrap();
        let cases = [
            ("Poverty", "Percentage", "%", Measure::Percentage, None),
            ("Poverty", "", "Pourcentage", Measure::Percentage, None),
            ("Water use growth rate", "", "Percentage", Measure::Other, None),
            ("Debt to income ratio", "", "Percentage", Measure::Other, None),
            ("Exchange students", "", "%", Measure::Percentage, None),
            ("x", "Pounds", "£", Measure::Amount, Some("GBP")),
            ("x", "Pounds", "£ million", Measure::Other, None),
            ("x", "", "Dollars", Measure::Amount, Some("CAD")),
            ("x", "Minutes", "mins", Measure::Duration, None),
            ("x", "", "Rate per 100,000 population", Measure::Rate, None),
            ("x", "", "Taux pour 100\u{a0}000 habitants", Measure::Rate, None),
            ("x", "", "Net additional dwellings per 1,000 stock", Measure::Rate, None),
            ("x", "", "kWh per meter point", Measure::Other, None),
            ("x", "Number of enterprises", "Number of enterprises", Measure::Other, None),
            ("x", "", "Index value", Measure::Index, None),
            ("x", "", "", Measure::Other, None),
        ];
        for (name, measure, unit, expected, currency) in cases {
            let (found, money) = classify(name, measure, unit, Some(&canada));
            assert_eq!(
                (found, money.as_ref().map(CurrencyCode::as_str)),
                (expected, currency),
                "{name}, {measure}, {unit}"
            );
        }
        assert_eq!(classify("x", "", "$", None), (Measure::Amount, None));
    }
}
