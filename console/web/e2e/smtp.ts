// A mail server that refuses every recipient; a test says which it accepts.
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export class MailServer {
  /** Whether this recipient is refused. */
  refuses: (recipient: string) => boolean = () => true;
  readonly received: string[] = [];
  private readonly server: Server = createServer((socket) => this.serve(socket));
  private readonly sockets = new Set<Socket>();

  async start(): Promise<number> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket)).on("error", () => socket.destroy());
    let text = "";
    let inData = false;
    socket.write("220 test\r\n");
    socket.on("data", (bytes) => {
      text += bytes.toString();
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (inData) {
          if (line !== ".") continue;
          inData = false;
          socket.write("250 taken\r\n");
        } else {
          inData = this.answer(socket, line);
        }
      }
    });
  }

  /** Answers a command. Returns whether the message follows. */
  private answer(socket: Socket, line: string): boolean {
    const recipient = /^RCPT TO:<(.*?)>/i.exec(line)?.[1];
    const command = line.slice(0, 4).toUpperCase();
    if (command === "DATA") {
      socket.write("354 go on\r\n");
      return true;
    }
    if (recipient !== undefined && this.refuses(recipient)) {
      socket.write("550 no such person\r\n");
    } else if (command === "QUIT") {
      socket.end("221 bye\r\n");
    } else {
      if (recipient !== undefined) this.received.push(recipient);
      socket.write("250 ok\r\n");
    }
    return false;
  }
}
