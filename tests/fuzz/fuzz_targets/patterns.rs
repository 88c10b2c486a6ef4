//! Patterns of column names: a pattern, a name and values that the first capture may have, a line each. What is captured, put where the
//! captures stand, is the name again.
#![no_main]

use std::collections::BTreeSet;

use domain::mapping::Pattern;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let (Some(pattern), Some(name)) = (lines.next(), lines.next()) else { return };
    let listed: BTreeSet<String> = lines.map(str::to_owned).collect();
    let Ok(parsed) = pattern.parse::<Pattern>() else { return };
    let first = parsed.names().next().map(str::to_owned);
    let allowed = |capture: &str| Some(&listed).filter(|listed| !listed.is_empty() && first.as_deref() == Some(capture));
    let Some(captures) = parsed.capture(name, &allowed) else { return };
    let (mut written, mut rest) = (String::new(), pattern);
    for (capture, value) in &captures {
        assert!(!value.is_empty() && allowed(capture).is_none_or(|listed| listed.contains(value)));
        let (before, behind) = rest.split_once(&format!("{{{capture}}}")).expect("the pattern has it");
        written.extend([before, value]);
        rest = behind;
    }
    assert_eq!(written + rest, name);
});
