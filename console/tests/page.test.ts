// The server's content security policy lets nothing inline run; a page that relied on it would stay blank.
import { expect, test } from "vitest";
import page from "../index.html?raw";

test("nothing in the page is inline", () => {
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)/);
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/);
});

test("the page asks no other host", () => {
  expect(page).not.toMatch(/(src|href)=["']?([a-z]+:)?\/\//);
});
