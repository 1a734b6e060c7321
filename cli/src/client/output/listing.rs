//! Listings, page by page.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::client::ClientError;
use crate::client::http::{ApiRequest, ApiResponse};
use crate::client::output::Table;
use crate::client::session::{Format, Session};

/// The most that the API gives at a time.
const LARGEST_PAGE: u8 = 100;

/// Which part of a listing is shown.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PageArgs {
    /// How many to show at most, 1 to 100; the server's default is 20. With --all: how many to ask for at a time.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: Option<u8>,

    /// Where to go on: the next_cursor of a page of the same listing with the same filters.
    #[arg(long)]
    cursor: Option<String>,

    /// Follow the cursors to the end.
    #[arg(long)]
    all: bool,
}

/// Something that listings are made of.
pub(crate) trait ListItem: DeserializeOwned {
    /// The member of the answer that holds them.
    const MEMBER: &'static str;
    /// The headers of their table.
    const HEADERS: &'static [&'static str];

    /// The cells of its row.
    fn row(&self) -> Vec<String>;
}

/// One page: its members as they came.
#[derive(Deserialize)]
#[serde(transparent)]
struct Page(BTreeMap<String, Box<RawValue>>);

impl Page {
    fn decode<T: DeserializeOwned>(&self, response: &ApiResponse, member: &str) -> Result<T, ClientError> {
        let raw = self.0.get(member).map_or("null", |raw| raw.get());
        serde_json::from_str(raw).map_err(|error| response.unexpected(Some(&error)))
    }

    fn next_cursor(&self, response: &ApiResponse) -> Result<Option<String>, ClientError> {
        self.decode(response, "next_cursor")
    }
}

/// Shows the part of the listing that `pages` asks for.
///
/// # Errors
/// What the server refuses, and what is no such listing.
pub(crate) async fn show<T: ListItem>(
    session: &mut Session<'_>,
    request: ApiRequest,
    pages: PageArgs,
) -> Result<(), ClientError> {
    let limit = pages.limit.or(pages.all.then_some(LARGEST_PAGE));
    let request = request.query("limit", limit);
    match (pages.all, session.format) {
        (false, _) => show_one::<T>(session, request, pages.cursor).await,
        (true, Format::Table) => show_all_rows::<T>(session, &request, pages.cursor).await,
        (true, Format::Json) => show_all_json::<T>(session, &request, pages.cursor).await,
    }
}

async fn show_one<T: ListItem>(
    session: &mut Session<'_>,
    request: ApiRequest,
    cursor: Option<String>,
) -> Result<(), ClientError> {
    let response = session.api.fetch(&request.query("cursor", cursor)).await?;
    let page: Page = response.decode()?;
    let rows = rows::<T>(&page, &response)?;
    if session.format == Format::Json {
        return session.write_json(&response.body);
    }
    Table::new(T::HEADERS).write(rows, session.output)?;
    if let Some(cursor) = page.next_cursor(&response)? {
        let note = format!("there are more: --cursor {cursor}, or --all");
        session.output.note(note);
    }
    Ok(())
}

async fn show_all_rows<T: ListItem>(
    session: &mut Session<'_>,
    request: &ApiRequest,
    mut cursor: Option<String>,
) -> Result<(), ClientError> {
    let mut table = Table::new(T::HEADERS);
    loop {
        let response = session.api.fetch(&request.clone().query("cursor", cursor)).await?;
        let page: Page = response.decode()?;
        table.write(rows::<T>(&page, &response)?, session.output)?;
        cursor = page.next_cursor(&response)?;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Prints one document as a single page would be: the last page, with what all pages hold.
async fn show_all_json<T: ListItem>(
    session: &mut Session<'_>,
    request: &ApiRequest,
    mut cursor: Option<String>,
) -> Result<(), ClientError> {
    let mut all: Vec<Box<RawValue>> = Vec::new();
    loop {
        let response = session.api.fetch(&request.clone().query("cursor", cursor)).await?;
        let mut page: Page = response.decode()?;
        all.extend(page.decode::<Vec<Box<RawValue>>>(&response, T::MEMBER)?);
        cursor = page.next_cursor(&response)?;
        if cursor.is_none() {
            let members = to_raw_value(&all).map_err(|error| response.unexpected(Some(&error)))?;
            page.0.insert(T::MEMBER.to_owned(), members);
            let merged = serde_json::to_string(&page.0);
            let merged = merged.map_err(|error| response.unexpected(Some(&error)))?;
            return session.write_json(&merged);
        }
    }
}

fn rows<T: ListItem>(page: &Page, response: &ApiResponse) -> Result<Vec<Vec<String>>, ClientError> {
    let members: Vec<T> = page.decode(response, T::MEMBER)?;
    Ok(members.iter().map(T::row).collect())
}

/// Shows a single one: a table of one row, or the body as it came.
///
/// # Errors
/// Where the answer is no such thing.
pub(crate) fn show_single<T: ListItem>(
    session: &mut Session<'_>,
    response: &ApiResponse,
) -> Result<(), ClientError> {
    let single: T = response.decode()?;
    match session.format {
        Format::Json => session.write_json(&response.body),
        Format::Table => Ok(Table::new(T::HEADERS).write(vec![single.row()], session.output)?),
    }
}
