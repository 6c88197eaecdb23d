// The page's beginning.
const title = document.createElement("h1");
title.textContent = "Détente";
const state = document.createElement("p");
state.textContent = "The console is loading.";
document.body.append(title, state);
