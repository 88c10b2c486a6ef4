//! What is given for variables, looked at before anything is executed: the library finds out field by field, and does not say of a
//! number where it stands.

use std::{collections::HashMap, fmt::Display};

use async_graphql::{
    Value, Variables,
    parser::{
        parse_schema,
        types::{OperationDefinition, TypeKind, TypeSystemDefinition},
    },
};

use crate::{graphql::limits::named, refusal::Refusal};

/// The input types of the schema: their fields, each with the type that it is of in the end.
pub(crate) struct Inputs(HashMap<String, HashMap<String, String>>);

impl Inputs {
    /// Those of this schema.
    pub(super) fn of(sdl: &str) -> Result<Self, String> {
        let document = parse_schema(sdl).map_err(|error| error.to_string())?;
        let mut inputs = HashMap::new();
        for definition in document.definitions {
            if let TypeSystemDefinition::Type(definition) = definition
                && let TypeKind::InputObject(input) = definition.node.kind
            {
                let fields = input.fields.iter().map(|field| &field.node);
                let fields = fields.map(|field| (field.name.node.to_string(), named(&field.ty.node).to_owned()));
                inputs.insert(definition.node.name.node.to_string(), fields.collect());
            }
        }
        Ok(Self(inputs))
    }

    /// Where in a value a number stands that no `Int` holds, as `.step` by step, and the number. A push has a hundred thousand values:
    /// nothing is written down before there is something to tell.
    fn misfit(&self, value: &Value, ty: &str) -> Option<(String, String)> {
        let below = |step: &dyn Display, (path, number): (String, String)| (format!(".{step}{path}"), number);
        match value {
            Value::Number(number) if ty == "Int" => {
                let fits = number.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
                (!fits).then(|| (String::new(), number.to_string()))
            }
            Value::List(items) => {
                let mut items = items.iter().enumerate();
                items.find_map(|(index, item)| Some(below(&index, self.misfit(item, ty)?)))
            }
            Value::Object(given) => {
                let fields = self.0.get(ty)?;
                given
                    .iter()
                    .find_map(|(name, value)| Some(below(name, self.misfit(value, fields.get(name.as_str())?)?)))
            }
            _ => None,
        }
    }
}

/// Gives variables that are left out their defaults: the library knows those everywhere but in `@skip` and `@include`, and would execute
/// what was to be skipped.
pub(super) fn fill_in(operation: &OperationDefinition, variables: &mut Variables) {
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        if let Some(default) = &definition.default_value {
            variables.entry(definition.name.node.clone()).or_insert_with(|| default.node.clone());
        }
    }
}

/// Refuses a request without a variable that it declares as needed, or with a number that does not fit where it stands.
pub(super) fn check(operation: &OperationDefinition, variables: &Variables, inputs: &Inputs) -> Result<(), Refusal> {
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let path = format!("variables.{name}");
        let refused =
            |field: String, message: String| Err(Refusal::document("BAD_USER_INPUT", message).with("field", field));
        let given = variables.get(name);
        let value = given.or_else(|| definition.default_value());
        if !ty.nullable && value.is_none_or(|value| *value == Value::Null) {
            return refused(path, format!("the variable ${name} of type {ty} is needed"));
        }
        if let Some((below, number)) = given.and_then(|given| inputs.misfit(given, named(ty))) {
            let field = path + &below;
            let message = format!("{field}: {number} is no Int: a whole number from {} to {}", i32::MIN, i32::MAX);
            return refused(field, message);
        }
    }
    Ok(())
}
