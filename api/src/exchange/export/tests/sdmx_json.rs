//! SDMX-JSON, which is written and not read: its message is decoded here.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sdmx_json_says_what_is_known(seeds in proptest::collection::vec(seed(), 0..24)) {
        let world = World::new(2, 2);
        let mut figures = world.figures(&seeds);
        figures.sort_by_key(place);
        let (file, told) = write(&world, &options("format=sdmx-json&network=net&codeScheme=test:code"), &figures);
        let message: serde_json::Value = serde_json::from_slice(&file).unwrap();
        let kept = figures.iter().zip(&told).filter(|(_, told)| told.is_ok()).map(|(of, _)| of);
        let mut expected: Vec<_> = kept.map(in_sdmx_json).collect();
        expected.sort_by(|(a, _), (b, _)| a.cmp(b));
        prop_assert_eq!(decoded(&message), expected);
    }
}

/// What is expected of a figure: its series, its period, and its value with all marks.
fn in_sdmx_json(of: &ExportedFigure) -> (Vec<String>, serde_json::Value) {
    let mut key = vec![code(&of.community), of.indicator.code.to_string(), of.source.key.to_string()];
    let mut names = DIMENSIONS;
    names.sort_unstable();
    let of_part = |name: &str| of.disaggregation.iter().find(|(own, _)| *own == name).map_or("_T", |(_, value)| value);
    key.extend(names.iter().map(|name| of_part(name).to_owned()));
    key.push(of.period.to_string());
    let figure = &of.figure;
    let told = serde_json::json!([
        figure.value,
        figure.status.code(),
        figure.confidentiality.code(),
        figure.embargo_until.map(super::super::write::moment),
        figure.note,
        figure.numerator,
        figure.denominator,
        figure.lower,
        figure.upper,
        figure.external_id
    ]);
    // Read back once, as the message is: what reads JSON here does not keep the last digit of long numbers.
    (key, serde_json::from_str(&told.to_string()).unwrap())
}

/// The observations of a message, their indexes resolved.
fn decoded(message: &serde_json::Value) -> Vec<(Vec<String>, serde_json::Value)> {
    let structure = &message["data"]["structures"][0];
    let value = |component: &serde_json::Value, place: &str| {
        component["values"][place.parse::<usize>().unwrap()]["value"].as_str().unwrap().to_owned()
    };
    let dimensions = structure["dimensions"]["series"].as_array().unwrap();
    let time = &structure["dimensions"]["observation"][0];
    let marks = structure["attributes"]["observation"].as_array().unwrap();
    let mut found = Vec::new();
    for (key, series) in message["data"]["dataSets"][0]["series"].as_object().unwrap() {
        assert_eq!(series["attributes"], serde_json::json!(["%", 1]));
        let key: Vec<_> = key.split(':').zip(dimensions).map(|(place, dimension)| value(dimension, place)).collect();
        assert_eq!(key.len(), dimensions.len());
        for (period, told) in series["observations"].as_object().unwrap() {
            let mut told = told.as_array().unwrap().clone();
            told.resize(marks.len() + 1, serde_json::Value::Null);
            for (mark, told) in marks.iter().zip(told.iter_mut().skip(1)) {
                if let (Some(values), Some(place)) = (mark["values"].as_array(), told.as_u64()) {
                    *told = values[usize::try_from(place).unwrap()]["id"].clone();
                }
            }
            let key: Vec<String> = key.iter().cloned().chain([value(time, period)]).collect();
            found.push((key, told.into()));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}
