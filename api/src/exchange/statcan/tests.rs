#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::exchange::{
    batch::Batch,
    csv::{Next, Table},
    options::Format,
    reader::Input,
};

const HEADER: &str = "REF_DATE,GEO,DGUID,Index,UOM,UOM_ID,SCALAR_FACTOR,SCALAR_ID,VECTOR,COORDINATE,VALUE,STATUS,SYMBOL,TERMINATED,DECIMALS\n";

fn options() -> Options {
    let mut options = Options::new(Format::Statcan, "net".parse().unwrap(), "en".parse().unwrap());
    options.totals = vec!["Index=All".parse().unwrap()];
    options
}

fn read(text: &str, options: &Options) -> Result<(Batch, Vec<String>), Failure> {
    let mut table = Table::open(Input::new(std::io::Cursor::new(text.to_owned()))?, options.delimiter)?;
    let mut rows = Statcan::new(table.header(), options)?;
    let mut keys = Keys::default();
    loop {
        match table.next()? {
            Next::Row(row) => match rows.read(&row, &mut keys) {
                Ok(read) => keys.batch.rows.push(read),
                Err(reason) => keys.batch.rejects.push((row.line, reason)),
            },
            Next::Broken(..) => {}
            Next::End => return Ok((keys.take(), rows.notices())),
        }
    }
}

fn rows(rows: &str) -> Batch {
    read(&format!("{HEADER}{rows}"), &options()).unwrap().0
}

#[test]
fn a_row_of_the_download_is_a_figure() {
    let batch = rows(
        "1981-01,Canada,2016A000011124,All,\"Index, 2014=100\",351,units ,0,v1,1.1,31.0,,,,1\n\
                      1981-01,Québec,2016A000224,Over 5000kw,\"Index, 2014=100\",351,units ,0,v1,1.1,,x,,,1\n",
    );
    assert_eq!(batch.rejects, []);
    let parts: Vec<_> = batch.disaggregations.iter().map(ToString::to_string).collect();
    assert_eq!(parts, ["", "Index=Over 5000kw"]);
    assert_eq!((batch.indicators.len(), batch.indicators[0].unit.as_str()), (1, "Index, 2014=100"));
    assert_eq!(batch.areas[1], AreaKey::Name { name: "Québec".into(), code: String::new() });
    let found: Vec<_> = batch.rows.iter().map(|row| (row.figure.value, row.figure.status.code())).collect();
    assert_eq!(found, [(Some(31.0), "A"), (None, "Q")]);
    assert_eq!(batch.rows[0].period.to_string(), "1981-01");
}

#[test]
fn symbols_and_scales_are_read() {
    let row = |scalar: &str, value: &str, status: &str, symbol: &str| {
        let batch = rows(&format!("2015,Canada,,All,Dollars,81,{scalar},v1,1.1,{value},{status},{symbol},t,2\n"));
        match batch.rows.first() {
            Some(row) => Ok((row.figure.value, row.figure.status.code(), batch.indicators[0].decimals)),
            None => Err(batch.rejects[0].1.code),
        }
    };
    assert_eq!(row("thousands,3", "1.25", "", ""), Ok((Some(1_250.0), "A", 0)));
    assert_eq!(row("milliers,", "38.2", "", "p"), Ok((Some(38_200.0), "P", 0)));
    assert_eq!(row("units,0", "5", "E", ""), Ok((Some(5.0), "U", 2)));
    assert_eq!(row("units,0", "5", "B", "r"), Ok((Some(5.0), "A", 2)));
    assert_eq!(row("units,0", "0", "0s", ""), Ok((Some(0.0), "A", 2)));
    for (symbol, status) in [("..", "O"), ("...", "M"), ("x", "Q"), ("F", "Q")] {
        assert_eq!(row("units,0", "", symbol, ""), Ok((None, status, 2)), "{symbol}");
    }
    assert_eq!(row("units,0", "", "<LOD", ""), Err("INVALID"));
    assert_eq!(row("units,0", "", "", ""), Err("REQUIRED"));
    assert_eq!(row("dozens,", "1", "", ""), Err("UNIT"));
    assert_eq!(row("units,10", "1", "", ""), Err("UNIT"));
}

#[test]
fn french_tables_are_read_by_their_headers() {
    let text = "PÉRIODE DE RÉFÉRENCE;GÉO;DGUID;Sexe;UNITÉ DE MESURE;IDENTIFICATEUR D'UNITÉ DE MESURE;FACTEUR SCALAIRE;IDENTIFICATEUR SCALAIRE;VECTEUR;COORDONNÉES;VALEUR;STATUT;SYMBOLE;TERMINÉ;DÉCIMALES\n\
                2015;Québec;x;Femmes;Nombre;1;milliers;3;v1;1.1;1,5;;;;1\n";
    let mut french = options();
    assert!(read(text, &french).unwrap_err().message.contains(';'));
    (french.delimiter, french.decimal_comma) = (b';', true);
    let (batch, notices) = read(text, &french).unwrap();
    assert_eq!(
        (batch.rows[0].figure.value, batch.disaggregations[0].to_string().as_str()),
        (Some(1_500.0), "Sexe=Femmes")
    );
    assert_eq!(notices.len(), 1);
}

#[test]
fn quarters_are_told_from_months_by_the_frequency() {
    let text = format!("{HEADER}2015-01,Canada,,All,x,1,,0,v,1,5,,,,0\n2015-04,Canada,,All,x,1,,0,v,1,5,,,,0\n");
    let (batch, notices) = read(&text, &options()).unwrap();
    assert_eq!(batch.rows[1].period.to_string(), "2015-04");
    assert!(notices.iter().any(|notice| notice.contains("QUARTER")), "{notices:?}");
    let mut quarterly = options();
    quarterly.frequency = frequency("Quarterly");
    let (batch, notices) = read(&text, &quarterly).unwrap();
    assert_eq!(batch.rows[1].period.to_string(), "2015-Q2");
    assert_eq!(notices.len(), 1);
    let (batch, _) = read(&format!("{HEADER}2015-02,Canada,,All,x,1,,0,v,1,5,,,,0\n"), &quarterly).unwrap();
    assert_eq!((batch.rejects[0].1.code, batch.rejects[0].1.column.as_ref()), ("INVALID", "REF_DATE"));
}

#[test]
fn the_name_of_a_file_tells_its_table() {
    for (name, number) in [("18100204.csv", "18100204"), ("/x/18100204-fra.csv.gz", "18100204")] {
        assert_eq!(table_of(name), Ok(number));
    }
    for name in ["18100204_MetaData.csv", "1810020.csv", "181002041.csv", "table.csv", "18100204.json", "é8100204.csv"]
    {
        assert!(!is_table(name), "{name}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(text in "[0-9,.xE\\-\n]{0,200}") {
        let _ = read(&format!("{HEADER}{text}"), &options());
    }
}
