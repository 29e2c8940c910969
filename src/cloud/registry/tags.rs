//! Which tags a repository has, page by page as the distribution specification says
//! (`GET /v2/<name>/tags/list?n=…`, and a `Link` header to the next page).

use futures::future::BoxFuture;
use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::{Challenge, Reference, Registry};
use crate::cloud::answer::Answer;
use crate::error::{CloudError, Failure};

const CALL: &str = "registry.tags.list";
/// Tags of one page. A registry may give fewer; Docker Hub gives no more.
pub(super) const PAGE: usize = 1000;
/// Most pages that are read of one repository. One with more tags is no place to look for releases in.
const MAX_PAGES: usize = 20;

impl Registry {
    /// The tags of the repository of an image reference, in the registry's order. Asked anew each time.
    ///
    /// # Errors
    /// When the repository cannot be read, or has more tags than are read. Half a list is none: what it lacks could
    /// be the newest.
    pub async fn tags(&self, image: &str) -> Result<Vec<String>, CloudError> {
        let Some(reference) = Reference::parse(image) else {
            let text = format!("`{image}` is not an image reference");
            return Err(CloudError::new(CALL, Failure::Status(400), text));
        };
        let mut url = reference.tags_url(self.wire.endpoints().base.as_ref(), PAGE);
        let mut tags = Vec::new();
        for _ in 0..MAX_PAGES {
            let answer = self.page(image, &url, reference.is_google()).await?;
            tags.extend(names(&answer.json(CALL)?));
            match next(&answer, &url) {
                Some(next) => url = next,
                None => return Ok(tags),
            }
        }
        let text = format!("{image} has more tags than the {MAX_PAGES} pages that are read");
        Err(CloudError::new(CALL, Failure::Malformed, text))
    }

    async fn page(&self, image: &str, url: &str, google: bool) -> Result<Answer, CloudError> {
        let attempt =
            || -> BoxFuture<'_, Result<Answer, CloudError>> { Box::pin(self.attempt_page(url, google)) };
        let (outcome, _) = self.patience.run(CALL, true, &attempt).await;
        outcome.map_err(|mut error| {
            error.message = match error.status() {
                Some(404) => format!("there is no repository {image}"),
                Some(401 | 403) => format!("there is no repository {image}, or it may not be read by us"),
                _ => format!("{image}: {}", error.message),
            };
            error
        })
    }

    async fn attempt_page(&self, url: &str, google: bool) -> Result<Answer, CloudError> {
        let client = self.wire.client().await?;
        let request = || client.request(Method::GET, url).header("accept", "application/json");
        let mut first = request();
        if google {
            first = first.headers(self.wire.identity_headers().await.unwrap_or_default());
        }
        let answer = self.wire.send(CALL, first).await?;
        match answer.header("www-authenticate").and_then(Challenge::parse) {
            Some(challenge) if answer.status == StatusCode::UNAUTHORIZED => {
                let token = self.anonymous_token(client, &challenge).await?;
                self.wire.send(CALL, request().bearer_auth(token)).await
            }
            _ => Ok(answer),
        }
    }
}

/// The names on a page; `null` stands for none.
fn names(page: &Value) -> Vec<String> {
    let tags = page.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
}

/// Where the next page is. A link to another server is none: our identity is shown to nobody else.
fn next(answer: &Answer, asked: &str) -> Option<String> {
    let link = answer.header("link")?;
    let (target, rest) = link.strip_prefix('<')?.split_once('>')?;
    let is_next = rest.split(';').any(|part| matches!(part.trim(), "rel=\"next\"" | "rel=next"));
    let here = Url::parse(asked).ok()?;
    let there = here.join(target).ok()?;
    (is_next && there.origin() == here.origin()).then(|| there.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cloud::testing::{Reply, Seen, Server, hurried, reply};

    async fn registry(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> (Registry, Server) {
        let server = Server::start(answer).await;
        (Registry::new(server.wire()).with_patience(hurried()), server)
    }

    fn page(tags: &[&str], link: &str) -> Reply {
        let headers = if link.is_empty() { vec![] } else { vec![("link", link.to_owned())] };
        (200, headers, json!({"name": "a/b", "tags": tags}).to_string())
    }

    #[tokio::test]
    async fn pages_are_followed_to_the_last_one() {
        let (registry, server) = registry(|number, _| match number {
            0 => page(&["1.17.0"], "</v2/a/b/tags/list?last=1.17.0&n=1000>; rel=\"next\""),
            _ => page(&["1.17.1"], ""),
        })
        .await;
        assert_eq!(
            registry.tags("a/b:1").await.as_deref(),
            Ok(&["1.17.0".to_owned(), "1.17.1".to_owned()][..])
        );
        let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
        assert_eq!(
            lines,
            ["GET /v2/a/b/tags/list?ns=docker.io&n=1000", "GET /v2/a/b/tags/list?last=1.17.0&n=1000"]
        );
    }

    #[tokio::test]
    async fn a_list_without_end_is_an_error_and_not_half_a_list() {
        let (registry, server) =
            registry(|_, _| page(&["1.0.0"], "</v2/a/b/tags/list?last=x>; rel=\"next\"")).await;
        assert!(registry.tags("a/b").await.unwrap_err().to_string().contains("more tags than"));
        assert_eq!(server.seen().len(), MAX_PAGES);
    }

    #[tokio::test]
    async fn nobody_is_led_to_another_server_and_nothing_is_no_tag() {
        let (registry, server) = registry(|_, _| {
            (200, vec![("link", "<http://evil.example/v2/>; rel=\"next\"".into())], "{\"tags\":null}".into())
        })
        .await;
        assert_eq!(registry.tags("a/b").await, Ok(vec![]));
        assert_eq!(server.seen().len(), 1);
    }

    #[tokio::test]
    async fn what_may_not_be_read_says_so() {
        let (registry, _server) = registry(|_, _| reply(404, "{}")).await;
        let error = registry.tags("a/b").await.unwrap_err();
        assert_eq!(error.to_string(), "registry.tags.list: 404: there is no repository a/b");
    }
}
