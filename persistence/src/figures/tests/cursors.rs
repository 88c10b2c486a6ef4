//! Cursors that were not made by a list of figures.

use domain::{
    Error,
    access::Scope,
    error::ProblemCode,
    id::SeriesId,
    observation::{ObservationFilter, ObservationSort},
    page::{Cursor, CursorValue, ListQuery, Order, PageArgs},
    port::store::Store as _,
};
use uuid::Uuid;

use super::support::hour;
use crate::tests::{Scratch, on_both};

on_both! {
    async fn a_foreign_cursor_is_refused_before_the_database_sees_it(scratch: &Scratch) {
        let series = SeriesId::from(Uuid::now_v7());
        let order = Order::<ObservationSort>::default();
        for (value, accepted) in [
            (CursorValue::Text("2021-01-01/2020-01-01/YEAR".into()), true),
            (CursorValue::Text("2021-01-01/2020-01-01/YEAR\u{0}".into()), false),
            (CursorValue::Text("2021-01-01/2020-01-01/\u{0}".into()), false),
            (CursorValue::Text("2021-01-01/2020-01-01/year".into()), false),
            (CursorValue::Text("2021-01-01/2020-01-01/YEAR/YEAR".into()), false),
            (CursorValue::Text("2021-01-01/2020-01-01".into()), false),
            (CursorValue::Text("2021-02-30/2020-01-01/YEAR".into()), false),
            (CursorValue::Text(String::new()), false),
            (CursorValue::Integer(2021), false),
            (CursorValue::Missing(()), false),
        ] {
            let cursor = Cursor { order: order.tag(), value: value.clone(), id: series.into() };
            let after = PageArgs { after: Some(cursor.clone()), ..PageArgs::first(2) };
            let before = PageArgs { before: Some(cursor), ..PageArgs::first(2) };
            for (page, field) in [(after, "after"), (before, "before")] {
                let query: ListQuery<ObservationFilter, ObservationSort> = ListQuery { order, page, ..ListQuery::default() };
                match scratch.store.read().figures().observations(&Scope::Everything, &[series], &query, hour(0)).await {
                    Ok(_) => assert!(accepted, "{field} took {value:?}"),
                    Err(Error::Validation(problems)) => {
                        let problem = problems.iter().next().unwrap();
                        assert!(!accepted, "{field} refused {value:?}");
                        assert_eq!((problem.path.to_string().as_str(), problem.code), (field, ProblemCode::Invalid));
                    }
                    Err(other) => panic!("{field} with {value:?}: {other:?}"),
                }
            }
        }
    }
}
