// Starts the editor, if it could be loaded.
if (window.React && window.ReactDOM && window.GraphiQL) {
  const query = `# Concert: communities sharing lessons and comparing progress.
# Press the play button. Every field is described in the documentation to the left.
query Welcome {
  networks {
    nodes {
      slug
      name { text language }
      communities(first: 5) {
        totalCount
        nodes {
          slug
          name { text }
          latestValues {
            indicator { code name { text } }
            period
            value
          }
        }
      }
    }
  }
}
`;
  const fetcher = window.GraphiQL.createFetcher({ url: "/graphql" });
  const editor = window.React.createElement(window.GraphiQL, {
    fetcher,
    defaultQuery: query,
    defaultEditorToolsVisibility: true,
    shouldPersistHeaders: false,
  });
  window.ReactDOM.createRoot(document.getElementById("explorer")).render(editor);
}
