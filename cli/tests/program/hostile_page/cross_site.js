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

  for (const [tag, source] of [['script', 'src'], ['img', 'src'], ['link', 'href']]) {
    const element = Object.assign(document.createElement(tag), { [source]: base + '/api/v1/orders', rel: 'stylesheet' });
    const done = loaded(element);
    document.body.append(element);
    note(tag, (await done) === 'load' ? 'loaded' : null);
  }
  return { read, tried };
})();
