// A picture in the page's own look: for a dark page its dark twin, where there is one. A click shows it in full.
const pictureOf = (picture) => {
  const images = [[picture.image, picture.dark ? "egma-by-day" : "egma-by-both"], [picture.dark, "egma-by-night"]];
  return make("figure", {}, ...images.filter(([image]) => image).map(([image, look]) =>
    make("a", { href: image.url, target: "_blank", rel: "noopener", class: look, "aria-label": `${picture.caption}: show in full` },
      make("img", { src: image.url, alt: picture.caption, loading: "lazy" }))),
    make("figcaption", { text: picture.caption }));
};
