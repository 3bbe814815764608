/* Finds the number behind the form's challenge while the reader types: SHA-256(token + n).
   Without this script, or in a browser without crypto.subtle, the form takes a slower way. */
(function () {
  "use strict";
  var form = document.querySelector("form[data-challenge]");
  if (!form || !window.crypto || !window.crypto.subtle || !window.TextEncoder) { return; }
  var wanted = form.dataset.challenge;
  var most = Number(form.dataset.most);
  var opened = Date.now();
  var encoder = new TextEncoder();
  var working = null;
  var sending = false;

  function hits(hash) {
    var bytes = new Uint8Array(hash);
    for (var i = 0; i < bytes.length; i += 1) {
      if (bytes[i] !== parseInt(wanted.substr(2 * i, 2), 16)) { return false; }
    }
    return true;
  }

  function digest(n) {
    return window.crypto.subtle.digest("SHA-256", encoder.encode(form.token.value + n));
  }

  /* A hundred at a time: the page stays alive, and the hashes run beside each other. */
  function search(from) {
    var tried = [];
    for (var n = from; n <= Math.min(most, from + 99); n += 1) { tried.push(digest(n)); }
    return Promise.all(tried).then(function (hashes) {
      var found = hashes.findIndex(hits);
      if (found >= 0) { form.number.value = from + found; return; }
      if (from + 100 <= most) { return search(from + 100); }
    });
  }

  function work() {
    working = working || search(0).catch(function () {});
    return working;
  }

  function pause(milliseconds) {
    return new Promise(function (done) { setTimeout(done, Math.max(0, milliseconds)); });
  }

  form.addEventListener("focusin", work, { once: true });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    if (sending) { return; }
    sending = true;
    form.querySelector("[role=status]").textContent = form.dataset.busy;
    /* A phone too slow for the work goes the slower way with what it has. */
    var patience = pause(1000 * Number(form.dataset.patience));
    var ready = pause(opened + 1000 * Number(form.dataset.seconds) - Date.now());
    Promise.all([Promise.race([work(), patience]), ready]).then(function () { form.submit(); });
  });
  window.addEventListener("pageshow", function () {
    sending = false;
    form.querySelector("[role=status]").textContent = "";
  });
}());
