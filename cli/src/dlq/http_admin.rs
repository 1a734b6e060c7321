//! [`QueueAdmin`] of a running system, over HTTP.

use std::collections::BTreeSet;

use async_trait::async_trait;
use orderflow_domain::Event;
use orderflow_messaging::{AdminError, DeadLetter, QueueAdmin, QueueStatus, ReplayProgress, Selection};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::letter::LetterJson;
use crate::client::ClientError;
use crate::client::http::{Api, ApiRequest, PathSegment};

/// The number of dead letters replayed with one request: the server has to answer within the client's timeout of 30 s, and a request body
/// may have at most 64 KiB.
const REPLAY_CHUNK: usize = 200;

/// The number of dead letters that are read with one request, the most that the API returns.
const PAGE: usize = 100;

/// Calls `/api/v1/admin` of a running system.
pub(super) struct HttpAdmin {
    api: Api,
}

#[derive(Deserialize)]
struct QueueList {
    queues: Vec<QueueStatus>,
}

#[derive(Deserialize)]
struct LetterList {
    dead_letters: Vec<LetterJson>,
    #[serde(default)]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Replayed {
    replayed: u64,
}

#[derive(Deserialize)]
struct Purged {
    purged: u64,
}

impl HttpAdmin {
    /// Makes an admin that uses this client.
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    async fn letters(&self, consumer: &str) -> Result<Vec<DeadLetter>, ClientError> {
        let (mut letters, mut cursor) = (Vec::<DeadLetter>::new(), None::<String>);
        loop {
            let request = ApiRequest::list(&collection(consumer)).query("limit", Some(PAGE));
            let request = request.query("cursor", cursor.take()).retried();
            let list: LetterList = self.api.fetch(&request).await?.decode()?;
            letters.extend(list.dead_letters.into_iter().map(DeadLetter::from));
            cursor = list.next_cursor;
            if cursor.is_none() {
                letters.sort_by_key(|letter| letter.last_at);
                return Ok(letters);
            }
        }
    }

    async fn purge_one(&self, consumer: &str, id: &str) -> Result<u64, ClientError> {
        let request = ApiRequest::member(Method::DELETE, &collection(consumer), &segment(id)?);
        let response = self.api.send(&request).await?;
        if response.status == StatusCode::NOT_FOUND {
            return Ok(0);
        }
        response.accepted().map(|_| 1)
    }

    async fn purge_many(&self, consumer: &str, code: Option<&str>) -> Result<u64, ClientError> {
        let request =
            ApiRequest::new(Method::DELETE, format!("/api/v1/{}", collection(consumer))).query("code", code);
        let purged: Purged = self.api.fetch(&request).await?.decode()?;
        Ok(purged.purged)
    }

    async fn replay_some(&self, consumer: &str, ids: &[&str]) -> Result<u64, ClientError> {
        let path = format!("/api/v1/{}/replay", collection(consumer));
        let request = ApiRequest::new(Method::POST, path).json(&json!({ "ids": ids }));
        let replayed: Replayed = self.api.fetch(&request).await?.decode()?;
        Ok(replayed.replayed)
    }

    /// Returns the ids of the selected dead letters, oldest first and without duplicates.
    async fn ids(&self, consumer: &str, selection: &Selection) -> Result<Vec<String>, ClientError> {
        let mut ids = match selection {
            Selection::Ids(ids) => ids.clone(),
            Selection::All | Selection::Code(_) => {
                let mut letters = self.letters(consumer).await?;
                letters.retain(|letter| selection.includes(letter));
                letters.into_iter().map(|letter| letter.id).collect()
            }
        };
        let mut seen = BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        Ok(ids)
    }
}

#[async_trait]
impl QueueAdmin for HttpAdmin {
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError> {
        let response = self.api.fetch(&ApiRequest::list("admin/queues").retried()).await.map_err(failed)?;
        let list: QueueList = response.decode().map_err(failed)?;
        Ok(list.queues)
    }

    async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetter>, AdminError> {
        self.letters(consumer).await.map_err(failed)
    }

    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError> {
        let id = segment(id).map_err(failed)?;
        let request = ApiRequest::member(Method::PUT, &collection(consumer), &id).json(event).retried();
        match self.api.fetch(&request).await {
            Ok(_) => Ok(true),
            Err(ClientError::Problem(problem)) if problem.status == StatusCode::NOT_FOUND => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError> {
        match selection {
            Selection::All => self.purge_many(consumer, None).await.map_err(failed),
            Selection::Code(code) => self.purge_many(consumer, Some(code)).await.map_err(failed),
            Selection::Ids(_) => {
                let mut purged = 0;
                for id in self.ids(consumer, selection).await.map_err(failed)? {
                    purged += self.purge_one(consumer, &id).await.map_err(failed)?;
                }
                Ok(purged)
            }
        }
    }

    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: ReplayProgress<'_>,
    ) -> Result<u64, AdminError> {
        let ids = self.ids(consumer, selection).await.map_err(failed)?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut replayed = 0;
        for ids in ids.chunks(REPLAY_CHUNK) {
            let some = self.replay_some(consumer, ids).await.map_err(failed)?;
            (0..some).for_each(|_| progress());
            replayed += some;
        }
        Ok(replayed)
    }
}

fn collection(consumer: &str) -> String {
    format!("admin/dead-letters/{consumer}")
}

fn segment(id: &str) -> Result<PathSegment, ClientError> {
    PathSegment::parse(id).map_err(|reason| ClientError::Usage(format!("the id {id:?} {reason}")))
}

fn failed(error: ClientError) -> AdminError {
    AdminError(error.report())
}
