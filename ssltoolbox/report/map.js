// Shows the frame of a dot on the maps of the features: the one near the pointer, or where the arrow keys have moved to.
"use strict";
{
  const { words, columns } = JSON.parse(document.getElementById("map-frames").textContent);
  const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const NEAR = 20; // pixels
  const SIDE = 5; // of a face, in rem, as in the style

  const element = (name, parent, attributes) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };

  for (const map of document.querySelectorAll(".map")) {
    const places = JSON.parse(map.dataset.places);
    const groups = JSON.parse(map.dataset.groups);
    map.tabIndex = 0;
    map.setAttribute("role", "application");
    map.setAttribute("aria-label", "Dots of the map; the arrow keys move from dot to dot");
    const rings = element("div", map, { "aria-hidden": "true" });
    const card = element("div", map, { class: "card", hidden: "" });
    const face = element("div", card, { class: "face" });
    const text = element("div", card, { role: "status" });
    let here = -1;

    const hide = () => {
      here = -1;
      card.hidden = true;
      rings.replaceChildren();
    };

    const show = (dot) => {
      if (dot === here) return;
      here = dot;
      const [x, y] = places[dot];
      const ring = (other) => {
        const [cx, cy] = places[other].map((share) => `${100 * share}%`);
        return `<circle cx="${cx}" cy="${cy}" r="5"${other === dot ? ' class="here"' : ""}/>`;
      };
      const alike = [...places.keys()].filter((other) => other !== dot && groups[dot] >= 0 && groups[other] === groups[dot]);
      rings.innerHTML = `<svg>${[...alike, dot].map(ring).join("")}</svg>`;
      face.style.backgroundSize = `${columns * SIDE}rem`;
      face.style.backgroundPosition = `${-(dot % columns) * SIDE}rem ${-Math.floor(dot / columns) * SIDE}rem`;
      text.textContent = words[dot];
      card.style.left = `${100 * x}%`;
      card.style.top = `${100 * y}%`;
      card.style.transform = `translate(${x > 0.5 ? "calc(-100% - 12px)" : "12px"}, ${y > 0.5 ? "calc(-100% - 12px)" : "12px"})`;
      card.hidden = false;
    };

    const nearest = (distance) => {
      const distances = places.map(distance);
      const least = Math.min(...distances);
      return [distances.indexOf(least), least];
    };

    const enter = () => show(nearest(([x, y]) => Math.hypot(x - 0.5, y - 0.5))[0]);

    const point = (event) => {
      const box = map.getBoundingClientRect();
      const [dot, distance] = nearest(([x, y]) =>
        Math.hypot(box.left + x * box.width - event.clientX, box.top + y * box.height - event.clientY),
      );
      if (distance <= NEAR) show(dot);
      else hide();
    };

    const move = (event) => {
      if (event.key === "Escape") return hide();
      const direction = DIRECTIONS[event.key];
      if (!direction) return;
      event.preventDefault();
      if (here < 0) return enter();
      const [dot, distance] = nearest(([x, y], other) => {
        const [right, down] = [x - places[here][0], y - places[here][1]];
        const along = right * direction[0] + down * direction[1];
        const across = Math.abs(right * direction[1] - down * direction[0]);
        return other !== here && along > 0 && across <= along ? Math.hypot(right, down) : Infinity;
      });
      if (distance < Infinity) show(dot);
    };

    map.addEventListener("pointermove", point);
    map.addEventListener("pointerdown", point);
    map.addEventListener("pointerleave", hide);
    map.addEventListener("keydown", move);
    map.addEventListener("focus", () => map.matches(":focus-visible") && enter());
    map.addEventListener("blur", hide);
  }
  document.querySelector(".map-help").hidden = false;
}
