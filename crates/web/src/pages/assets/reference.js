// Shows the OpenAPI document in our page: sorted, with links to single operations, in the colours that the system asks for.
'use strict';

const dark = matchMedia('(prefers-color-scheme: dark)');
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
paint();
dark.addEventListener('change', paint);

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const place = (operation) => METHODS.indexOf(operation.get('method'));

SwaggerUIBundle({
  url: document.getElementById('swagger-ui').dataset.document,
  dom_id: '#swagger-ui',
  layout: 'BaseLayout',
  // Links name an operation, and the sign-in outlives a reload.
  deepLinking: true,
  persistAuthorization: true,
  tagsSorter: 'alpha',
  operationsSorter: (a, b) => a.get('path').localeCompare(b.get('path')) || place(a) - place(b),
  docExpansion: 'none',
  filter: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // Nobody else is asked whether our document is right.
  validatorUrl: null,
});
