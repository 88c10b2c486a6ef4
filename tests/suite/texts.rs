use reqwest::header;
use rstest::rstest;
use serde_json::{Value, json};

use crate::{app::App, fixture::english};

#[rstest]
#[case(None, None, "A network", "en")]
#[case(Some("fr-CA,fr;q=0.9,en;q=0.1"), None, "Un réseau", "fr")]
#[case(Some("de"), None, "A network", "en")]
#[case(Some("fr"), Some("en-GB"), "A network", "en")]
#[case(None, Some("fr-CA"), "Un réseau", "fr")]
#[case(Some("nonsense;;q=x"), None, "A network", "en")]
#[tokio::test]
async fn texts_are_served_in_the_language_asked_for(
    #[case] accepted: Option<&str>,
    #[case] locale: Option<&str>,
    #[case] text: &str,
    #[case] language: &str,
) {
    let app = App::start().await;
    app.network("net").await;
    let query = "query($locale: LanguageTag) { network(slug: \"net\") { name(locale: $locale) { text language sourceLanguage translations { language } } } }";
    let mut request = app.anonymous.post().json(&json!({ "query": query, "variables": { "locale": locale } }));
    if let Some(accepted) = accepted {
        request = request.header(header::ACCEPT_LANGUAGE, accepted);
    }
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let name = &answer["data"]["network"]["name"];
    assert_eq!((&name["text"], &name["language"]), (&json!(text), &json!(language)), "{answer}");
    assert_eq!(name["sourceLanguage"], "en");
    assert_eq!(name["translations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_bad_language_names_its_field() {
    let app = App::start().await;
    app.network("net").await;
    let error =
        app.anonymous.error("{ network(slug: \"net\") { name(locale: \"français\") { text } } }", json!({})).await;
    assert_eq!(
        (&error["extensions"]["code"], &error["extensions"]["field"]),
        (&json!("BAD_USER_INPUT"), &json!("locale"))
    );
    let named =
        |translations: Value| json!({ "key": "s", "name": { "sourceLanguage": "en", "translations": translations } });
    let cases = [
        (json!([{ "language": "fr", "text": "x" }]), "input.name.translations"),
        (json!([{ "language": "en", "text": " " }]), "input.name.translations"),
        (
            json!([{ "language": "en", "text": "x" }, { "language": "EN", "text": "y" }]),
            "input.name.translations.1.language",
        ),
        (json!([{ "language": "english!", "text": "x" }]), "input.name.translations.0.language"),
    ];
    for (translations, path) in cases {
        let errors = app.admin.refusal("sourceCreate", named(translations), "source").await;
        assert_eq!(crate::client::codes(&errors)[0].0, path);
    }
}

#[tokio::test]
async fn learnings_are_found_by_the_language_they_can_be_read_in() {
    let app = App::start().await;
    let community = app.community("c").await;
    let both = crate::fixture::text("Yes", "Oui");
    for (slug, title, body) in [("both", both.clone(), both.clone()), ("title-only", both.clone(), english("Yes"))] {
        app.create(
            "learning",
            json!({ "slug": slug, "community": community, "author": "A", "kind": "WORKED", "issue": "OTHER", "title": title,
                "whatWeDid": body, "whatHappened": body, "evidenceStage": "EMERGING", "visibility": "PUBLIC", "status": "SHARED" }),
        )
        .await;
    }
    let query = "query($l: LanguageTag) { learnings(filter: { language: $l }) { nodes { slug languages } } }";
    let french = app.anonymous.data(query, json!({ "l": "fr" })).await;
    assert_eq!(french["learnings"]["nodes"], json!([{ "slug": "both", "languages": ["en", "fr"] }]));
    let english = app.anonymous.data(query, json!({ "l": "en" })).await;
    assert_eq!(english["learnings"]["nodes"].as_array().unwrap().len(), 2);
}
