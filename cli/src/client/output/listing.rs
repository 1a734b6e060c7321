//! Listings of the API, page by page, as tables or JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::client::ClientError;
use crate::client::http::{ApiRequest, ApiResponse};
use crate::client::output::Table;
use crate::client::session::{Format, Session};

/// The largest page of the API.
const LARGEST_PAGE: u8 = 100;

/// Which part of a listing to show.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PageArgs {
    /// The largest number to show, 1 to 100; without it the server shows 20. With --all: the size of each page that is fetched.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: Option<u8>,

    /// Continue after a page: the next_cursor of the same listing with the same filters.
    #[arg(long)]
    cursor: Option<String>,

    /// Show every page.
    #[arg(long)]
    all: bool,
}

impl PageArgs {
    /// Shows every page, for a command without flags for pages.
    pub(crate) fn every_page() -> Self {
        Self { all: true, ..Self::default() }
    }
}

/// An item of a listing.
pub(crate) trait ListItem: DeserializeOwned {
    /// The member of the response that holds the items.
    const MEMBER: &'static str;
    /// The headers of the table.
    const HEADERS: &'static [&'static str];

    /// Returns the cells of its row.
    fn row(&self) -> Vec<String>;
}

/// One page: its members as the server sent them.
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
/// If the server refuses the request, or if the response is not a listing of such items.
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
        let note = format!("there are more; show them with --cursor {cursor} or --all");
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

/// Prints one JSON document that looks like a single page: the last page, with the items of all pages.
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

/// Shows a single item: a table with one row, or the body as it is.
///
/// # Errors
/// If the response is not an item of this kind.
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
