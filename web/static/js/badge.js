// A scanned badge: the code stands behind # in the address, so that no server and no log ever saw it on the way here.
const code = decodeURIComponent(location.hash.slice(1));
if (code) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("code").value = code;
  if (!document.querySelector("[aria-invalid]")) document.getElementById("badge").requestSubmit();
}
