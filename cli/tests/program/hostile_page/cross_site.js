// Everything that a page may send to another site, and everything by which it could read a response. Returns what it read.
return (async () => {
  const base = BASE;
  const read = [];
  let tried = 0;
  const order = '{"customer_id":"EVIL","email":"evil@example.com","items":[{"sku":"TSHIRT-BLK-M","quantity":1}]';
  const within = (promise) => Promise.race([promise, new Promise((done) => setTimeout(() => done(null), 5000))]);
  const loaded = (element) =>
    within(new Promise((done) => {
      element.onload = () => done('load');
      element.onerror = () => done('error');
    }));
  const note = (way, found) => {
    tried += 1;
    if (found !== null && found !== undefined) read.push([way, found]);
  };

  const simple = [
    ['/api/v1/orders', 'text/plain', order + ',"x":"', '"}'],
    ['/api/v1/orders', 'multipart/form-data', 'order', order],
    ['/api/v1/admin/cache/warmup', 'application/x-www-form-urlencoded', 'a', 'b'],
    ['/api/v1/payments/none/refund', 'application/x-www-form-urlencoded', 'a', 'b'],
    ['/api/v1/inventory/TSHIRT-BLK-M', 'text/plain', '{"set":0,"x":"', '"}'],
    ['/', 'text/plain', '{"x":"', '"}'],
  ];
  for (const [path, enctype, name, value] of simple) {
    const frame = Object.assign(document.createElement('iframe'), { name: 'frame' + tried });
    document.body.append(frame);
    const form = Object.assign(document.createElement('form'), { method: 'post', action: base + path, enctype, target: frame.name });
    form.append(Object.assign(document.createElement('input'), { name, value }));
    document.body.append(form);
    const done = loaded(frame);
    form.submit();
    await done;
    let text = null;
    try {
      text = frame.contentDocument?.body?.innerText || null;
    } catch {}
    note('form ' + path, text);
  }

  const calls = [
    ['/api/v1/orders', { mode: 'no-cors', method: 'POST', body: order + '}' }],
    ['/api/v1/admin/cache/warmup', { mode: 'no-cors', method: 'POST' }],
    ['/api/v1/payments/none/refund', { mode: 'no-cors', method: 'POST' }],
    ['/api/v1/orders', { mode: 'no-cors' }],
    ['/api/v1/orders', {}],
    ['/api/v1/admin/faults', {}],
    ['/metrics', {}],
    ['/', {}],
    ['/api/v1/orders', { method: 'POST', body: order + '}' }],
    ['/api/v1/orders', { method: 'POST', body: order + '}', headers: { 'content-type': 'application/json' } }],
    ['/api/v1/products/TSHIRT-BLK-M', { method: 'DELETE', headers: { 'x-orderflow': '1' } }],
    ['/api/v1/admin/faults', { method: 'PUT', body: '{"stopped":["payment"]}' }],
    ['/', { method: 'POST', body: '{}', headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables' } }],
    ['/api/v1/orders', { method: 'POST', body: new Blob([order + '}'], { type: 'application/json' }) }],
    ['/api/v1/orders', { mode: 'no-cors', method: 'POST', body: new Blob([order + '}'], { type: 'text/plain;application/json' }) }],
    ['/api/v1/orders', { mode: 'no-cors', method: 'POST', body: new URLSearchParams(order + '}') }],
    ['/api/v1/orders', { mode: 'no-cors', method: 'POST', keepalive: true, credentials: 'include', body: order + '}' }],
    ['/api/v1/admin/consumers/payment', { method: 'PUT', body: '{"paused":true}', headers: { 'content-type': 'application/json' } }],
    ['/api/v1/customers/C100', { method: 'DELETE', headers: { authorization: 'Bearer x' } }],
    ['/api/v1/admin/dead-letters/payment/replay', { mode: 'no-cors', method: 'POST', body: '{}' }],
    ['/api/v1/live', { headers: { accept: 'text/event-stream' } }],
    ['/webhooks/stripe', {}],
    ['/api/v1/products', { method: 'OPTIONS' }],
    ['/api/v1/products', { method: 'HEAD', credentials: 'include' }],
    ['/health', { cache: 'force-cache' }],
  ];
  for (const [path, options] of calls) {
    let text = null;
    try {
      text = (await (await fetch(base + path, options)).text()) || null;
    } catch {}
    note('fetch ' + path, text);
  }
  navigator.sendBeacon(base + '/api/v1/orders', order + '}');
  navigator.sendBeacon(base + '/api/v1/admin/cache/warmup');
  navigator.sendBeacon(base + '/api/v1/orders', new Blob([order + '}'], { type: 'application/json' }));

  for (const credentials of [false, true]) {
    const events = new EventSource(base + '/api/v1/live', { withCredentials: credentials });
    note('events', await within(new Promise((done) => {
      events.onopen = () => done('open');
      events.onmessage = (message) => done(message.data);
      events.onerror = () => done(null);
    })));
    events.close();
  }
  try {
    const sent = new XMLHttpRequest();
    sent.open('POST', base + '/api/v1/orders', false);
    sent.setRequestHeader('content-type', 'text/plain');
    sent.send(order + '}');
    note('synchronous request', sent.responseText || null);
  } catch {
    note('synchronous request', null);
  }
  note('module', await within(import(base + '/api/v1/orders').then(() => 'loaded', () => null)));
  const source = URL.createObjectURL(new Blob([`try { importScripts('${base}/api/v1/orders'); postMessage('loaded'); } catch { postMessage(null); }`]));
  const worker = new Worker(source);
  note('worker', await within(new Promise((done) => (worker.onmessage = (message) => done(message.data)))));

  for (const path of ['/api/v1/orders', '/docs', '/']) {
    const socket = new WebSocket(base.replace('http', 'ws') + path);
    const opened = within(new Promise((done) => {
      socket.onopen = () => done('open');
      socket.onmessage = (message) => done(message.data);
      socket.onerror = () => done(null);
    }));
    note('socket ' + path, await opened);
  }

  for (const path of ['/docs', '/api/v1/orders', '/metrics', '/']) {
    const frame = document.createElement('iframe');
    const done = loaded(frame);
    frame.src = base + path;
    document.body.append(frame);
    await done;
    let text = null;
    try {
      text = frame.contentDocument?.body?.innerText || null;
    } catch {}
    note('frame ' + path, text);
  }

  for (const tag of ['object', 'embed']) {
    const element = Object.assign(document.createElement(tag), { [tag === 'object' ? 'data' : 'src']: base + '/api/v1/orders' });
    document.body.append(element);
    await loaded(element);
    let text = null;
    try {
      text = element.getSVGDocument?.()?.body?.innerText || element.contentDocument?.body?.innerText || null;
    } catch {}
    note(tag, text);
  }

  for (const [tag, source] of [['script', 'src'], ['img', 'src'], ['link', 'href'], ['video', 'src'], ['audio', 'src']]) {
    const element = Object.assign(document.createElement(tag), { [source]: base + '/api/v1/orders', rel: 'stylesheet' });
    const done = loaded(element);
    document.body.append(element);
    note(tag, (await done) === 'load' ? 'loaded' : null);
  }
  return { read, tried };
})();
