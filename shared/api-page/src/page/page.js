// Shows the API with Swagger UI, and the events below it. Text from the documents is only inserted as text nodes.

// The page may be served below a path, so all URLs are relative to its folder.
const base = new URL(".", location.href);

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function followColours(dark) {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

function showApi() {
  window.ui = SwaggerUIBundle({
    url: new URL("openapi.json", base).href,
    domNode: document.getElementById("api"),
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    tryItOutEnabled: true,
    // A service on the internet would be asked whether the document is valid.
    validatorUrl: null,
  });
}

function eventPart({ name, summary, examples }, channels) {
  const consumers = Object.keys(channels).filter((channel) => channel !== "events" && channels[channel].messages[name]);
  return element("details", { className: "event", id: name },
    element("summary", {}, element("code", {}, name), summary),
    element("p", {}, `Consumers: ${consumers.join(", ") || "none"}`),
    element("pre", { tabIndex: 0 }, JSON.stringify(examples[0].payload, null, 2)));
}

async function showEvents() {
  const part = document.querySelector("#events > .wrapper");
  const address = new URL("asyncapi.json", base).href;
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const { channels, components } = await response.json();
    part.append(element("h2", {}, "Events between the services"),
      element("p", {}, "Each as a message has it; the schemas are in ", element("a", { href: address }, "asyncapi.json"), "."),
      ...Object.values(components.messages).map((message) => eventPart(message, channels)));
  } catch (error) {
    part.append(element("p", {}, `The events cannot be shown: ${error}`));
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", followColours);
followColours(dark);
showApi();
showEvents();
