//! Migrations keep what there is.

use domain::{access::Scope, id::EntityId as _, learning::LearningParent, page::ListQuery, port::store::Store as _};
use sea_orm::{ConnectionTrait as _, Database, TransactionTrait as _};
use sea_orm_migration::MigratorTrait as _;

use super::{Scratch, on_both, samples::*};
use crate::migration::Migrator;

on_both! {
    async fn learnings_stay_while_their_slugs_come_to_be_shared(scratch: &Scratch) {
        let store = &*scratch.store;
        let world = World::create(store).await;
        let before = world.learning.clone();
        let db = Database::connect(&scratch.config.url).await.unwrap();
        let work = db.begin().await.unwrap();
        let since = u32::try_from(Migrator::migrations().len()).unwrap() - 6;
        Migrator::down(&work, Some(since)).await.unwrap();
        Migrator::up(&work, None).await.unwrap();
        work.commit().await.unwrap();
        if db.get_database_backend() == sea_orm::DbBackend::Sqlite {
            let broken = db.query_all_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "PRAGMA foreign_key_check"));
            assert!(broken.await.unwrap().is_empty());
        }

        let learnings = store.read().learnings();
        assert_eq!(learnings.get(&Scope::Everything, &[before.id]).await.unwrap(), std::slice::from_ref(&before));
        let indicators: Vec<_> = before.indicators.iter().map(|id| id.uuid()).collect();
        assert!(!indicators.is_empty());
        let pages = learnings
            .list_of(&Scope::Everything, LearningParent::Indicator, &indicators, &ListQuery::default())
            .await
            .unwrap();
        assert_eq!(pages.values().map(|page| page.items.len()).sum::<usize>(), indicators.len());

        let second = keep(store, before.value.clone()).await;
        let found = learnings.by_keys(&Scope::Everything, std::slice::from_ref(&before.slug)).await.unwrap();
        let mut ids: Vec<_> = found.iter().map(|found| found.id).collect();
        ids.sort();
        let mut both = vec![before.id, second.id];
        both.sort();
        assert_eq!(ids, both);
    }
}
