import { render } from "preact";
import { App } from "./App";
import { follow } from "./live";
import "./style.css";

void follow();
render(<App />, document.getElementById("console") as HTMLElement);
