import { useId, useState } from "preact/hooks";
import { signIn } from "./session";

export function SignIn() {
  const [text, setText] = useState("");
  const id = useId();
  return (
    <main class="sign-in">
      <h1>Sign in</h1>
      <p>This server requires a token (JWT) from its issuer. The token stays in this tab, and is forgotten when the tab is closed.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "") signIn(text.trim());
        }}
      >
        <label for={id}>Token</label>
        <textarea id={id} rows={6} spellcheck={false} autocomplete="off" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        <button type="submit" class="primary">Sign in</button>
      </form>
    </main>
  );
}
