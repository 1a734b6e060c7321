// Shows the documents of the API and sends the calls that a user tries. Text from documents and responses is only inserted as text nodes.

// The page may be served below a path, so all URLs are relative to its folder.
const base = new URL(".", location.href);
const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

async function load(name) {
  const response = await fetch(new URL(name, base));
  if (!response.ok) throw new Error(`${name} answers ${response.status}`);
  return response.json();
}

/** The paragraphs of a text that has an empty line between them. */
function paragraphs(text = "") {
  return text.split("\n\n").filter(Boolean).map((paragraph) => element("p", {}, paragraph));
}

function resolve(api, value) {
  if (!value?.$ref) return value ?? {};
  return value.$ref.slice(2).split("/").reduce((found, key) => found[key], api);
}

/** A schema in a few lines: names, types, and what they mean. */
function outline(api, schema, indent = "") {
  const { type, properties, items, oneOf, allOf, enum: values, required = [] } = resolve(api, schema);
  const parts = (oneOf ?? allOf)?.filter((part) => part.type !== "null");
  if (values) return values.map((value) => JSON.stringify(value)).join(" | ");
  if (parts) return parts.map((part) => outline(api, part, indent)).join(oneOf ? " | " : " & ");
  if (items) return `[${outline(api, items, indent)}]`;
  if (!properties) return [type ?? "any"].flat().join(" | ");
  const deeper = `${indent}  `;
  const lines = Object.entries(properties).map(([name, property]) => {
    const note = property.description ?? resolve(api, property).description;
    const mark = required.includes(name) ? "" : "?";
    return `${deeper}${name}${mark}: ${outline(api, property, deeper)}${note ? `  // ${note.split("\n")[0]}` : ""}`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function exampleOf(api, content) {
  const named = Object.values(content.examples ?? {})[0]?.value;
  const example = named ?? content.example ?? resolve(api, content.schema).examples?.[0];
  return example === undefined ? "{}" : JSON.stringify(example, null, 2);
}

function field(parameter) {
  const schema = parameter.schema ?? {};
  const input = element("input", { name: parameter.name, required: parameter.required === true });
  input.placeholder = schema.examples?.[0] ?? parameter.example ?? schema.enum?.join(", ") ?? schema.default ?? "";
  const kind = parameter.in === "header" ? "header" : "";
  return element("label", {}, `${parameter.name} ${kind}`, input, element("small", {}, parameter.description ?? ""));
}

function requestOf(form, method, path, parameters) {
  const headers = {};
  const query = new URLSearchParams();
  let filled = path;
  for (const { name, in: place } of parameters) {
    const value = form.elements[name].value;
    if (place === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && place === "query") query.set(name, value);
    else if (value && place === "header") headers[name] = value;
  }
  const token = document.getElementById("token").value;
  if (token) headers.authorization = `Bearer ${token}`;
  const body = form.elements.body?.value;
  if (body) headers["content-type"] = "application/json";
  const url = new URL(filled.slice(1) + (query.size ? `?${query}` : ""), base);
  return [url, { method: method.toUpperCase(), headers, body, cache: "no-store" }];
}

/** The status, the headers that matter, and the body of an answer. */
async function textOf(response) {
  const names = ["location", "etag", "retry-after"].filter((name) => response.headers.has(name));
  const head = names.map((name) => `${name}: ${response.headers.get(name)}\n`).join("");
  const body = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return `${response.status}\n${head}\n${isJson ? JSON.stringify(JSON.parse(body), null, 2) : body}`;
}

function tryForm(api, method, path, { parameters = [], requestBody }) {
  const content = requestBody?.content["application/json"];
  const answer = element("pre", { className: "answer", hidden: true });
  const body = content && element("textarea", { name: "body", value: exampleOf(api, content), spellcheck: false });
  const form = element("form", {}, ...parameters.map(field), body ? element("label", {}, "body", body) : null);
  form.append(element("button", {}, "Try"), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.hidden = false;
    answer.textContent = "…";
    try {
      answer.textContent = await textOf(await fetch(...requestOf(form, method, path, parameters)));
    } catch (error) {
      answer.textContent = String(error);
    }
  });
  return form;
}

function answers(api, responses) {
  return Object.entries(responses).flatMap(([status, response]) => {
    const { description, content = {} } = resolve(api, response);
    const isProblem = "application/problem+json" in content;
    const schema = Object.values(content)[0]?.schema;
    const shown = schema && !isProblem ? element("pre", {}, outline(api, schema)) : null;
    return [element("p", {}, element("b", {}, status), ` ${description}`), shown].filter(Boolean);
  });
}

function operationPart(api, method, path, operation) {
  const { operationId, summary, description, requestBody, responses } = operation;
  const sent = requestBody?.content["application/json"]?.schema;
  const title = element("summary", {}, element("b", {}, method), element("code", {}, path), element("span", {}, summary));
  return element("details", { id: operationId, open: location.hash === `#${operationId}` }, title,
    ...paragraphs(description),
    sent ? element("pre", {}, outline(api, sent)) : null,
    tryForm(api, method, path, operation),
    element("h4", {}, "Responses"), ...answers(api, responses));
}

function apiParts(api) {
  const all = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method] })));
  return api.tags.map(({ name, description }) => element("section", {},
    element("h2", {}, name), element("p", {}, description),
    ...all.filter(({ operation }) => operation.tags.includes(name))
      .map(({ method, path, operation }) => operationPart(api, method, path, operation))));
}

function eventsPart(events) {
  const consumers = (type) => Object.entries(events.channels)
    .filter(([name, channel]) => name !== "events" && channel.messages[type]).map(([name]) => name);
  const parts = Object.values(events.components.messages).map(({ name, summary, examples }) => element("details", {},
    element("summary", {}, element("code", {}, name), element("span", {}, summary)),
    element("p", {}, `Consumers: ${consumers(name).join(", ") || "none"}`),
    element("pre", {}, JSON.stringify(examples[0].payload, null, 2))));
  return element("section", {}, element("h2", {}, "events"), element("p", {}, "Events between the services"), ...parts);
}

async function show() {
  const page = document.getElementById("page");
  try {
    const [api, events] = await Promise.all([load("openapi.json"), load("asyncapi.json")]);
    const token = element("input", { id: "token", type: "password", autocomplete: "off" });
    page.replaceChildren(element("h1", {}, `${api.info.title} ${api.info.version}`), ...paragraphs(api.info.description),
      element("p", {}, element("a", { href: "openapi.json" }, "openapi.json"), " · ", element("a", { href: "asyncapi.json" }, "asyncapi.json")),
      element("label", {}, "Token for requests from this page", token, element("small", {}, "Needed only if access is closed. It is not stored.")),
      ...apiParts(api), eventsPart(events));
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    page.replaceChildren(element("p", {}, `The documents cannot be shown: ${error}`));
  }
}

show();
