//! The two login roles, of which one is in use and the other takes its place when the password rotates.
//!
//! Identity: `<instance>/users/<u>`. Desired: a password from its secret, which counts only when the role is made
//! (the API never gives it back). Owner role, grants and limits are the db-init Job's (Cloud SQL Admin v1).

use serde_json::json;

use crate::plan::Method;
use crate::resources::{Act, Change, Context, Declared, Desired, Document, ResourceId, facts};
use crate::rotation::{self, Arrow};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::{Kind, declared, patch, secret_version, sql_instance, sql_operation};

/// Cloud SQL Admin v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "sqladmin.googleapis.com",
    get: "sql.users.get",
    create: Create::NamedInBody { method_id: "sql.users.insert" },
    update: Update::Never("a login role's password is changed by the rotation alone"),
    written_once: &["/password"],
    secret: &["/password"],
    ..READ_ONLY
};

/// The address of a login role: `a` or `b`.
pub fn id(context: &Context<'_>, side: &str) -> ResourceId {
    let name = context.names.database_object(&context.spec.db_user, context.spec, &format!("_{side}"));
    ResourceId::google(Kind::SqlUser, format!("{}/users/{name}", sql_instance::id(context).name))
}

/// Both roles.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    ["a", "b"]
        .into_iter()
        .map(|side| {
            let suffix = format!("db-password-{side}");
            let id = id(context, side);
            let needs = vec![sql_instance::id(context), secret_version::id(context, &suffix)];
            let desired = rotated(context, &id, side).unwrap_or_else(|| desired(context, &id, &suffix));
            declared(context, id, Slice::Database, desired, needs)
        })
        .collect()
}

fn desired(context: &Context<'_>, id: &ResourceId, suffix: &str) -> Desired {
    let exists = context.seen.body(id).is_some();
    match (sql_instance::busy(context), facts::secret(context, suffix)) {
        (Some(wait), _) if !exists => Desired::Waiting(vec![wait]),
        (_, Ok(payload)) => {
            let body = json!({"password": payload.content.reveal()});
            Desired::Ready(Document::with_secrets(body, DESCRIPTOR.secret))
        }
        (_, Err(_)) if exists => Desired::Found,
        (_, Err(wait)) => Desired::Waiting(vec![wait]),
    }
}

/// The password that a rotation gives the role now. Repeating the call harms nothing.
fn rotated(context: &Context<'_>, id: &ResourceId, letter: &str) -> Option<Desired> {
    let (side, version) = rotation::arrow(context, |arrow| match arrow {
        Arrow::Set(side, version) if side.letter() == letter => Some((side, version)),
        _ => None,
    })?;
    if let Some(wait) = sql_operation::running(context) {
        return Some(Desired::Waiting(vec![wait]));
    }
    let password = rotation::sight::pinned(context, side, version)?.content.reveal();
    let path = DESCRIPTOR.path(patch::collection(id), "");
    let mut request = DESCRIPTOR.call(Method::Put, path, "sql.users.update");
    request.query = vec![("name", id.short_name().to_owned())];
    request.body = patch::document(&DESCRIPTOR, json!({"name": id.short_name(), "password": password}));
    let to = Some(format!("version {version} of {}", side.secret()));
    let changes = vec![Change { path: "/password".into(), from: None, to }];
    Some(Desired::Act(Act { request, changes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::testing::{body, declared, fill, note, platform};
    use crate::spec::Spec;

    #[test]
    fn a_role_gets_the_password_of_its_secret_and_shows_it_to_nobody() {
        let mut seen = platform();
        fill(&mut seen, "db-password-a");
        let users = declared(Spec::default(), &seen, declare);
        assert_eq!(body(&users[0])["password"], "s3cret");
        assert!(!format!("{:?}", users[0].desired).contains("s3cret"));
        assert!(matches!(users[1].desired, Desired::Waiting(_)), "b has no password yet");
    }

    #[test]
    fn a_role_that_exists_needs_no_password() {
        let mut seen = platform();
        let name = "projects/p-1/instances/app-sql-0a1b2c3d/users/dify_user_demo_0a1b2c3d_b";
        note(&mut seen, Kind::SqlUser, name, json!({"name": "dify_user_demo_0a1b2c3d_b"}));
        assert!(matches!(declared(Spec::default(), &seen, declare)[1].desired, Desired::Found));
    }
}
