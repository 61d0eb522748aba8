/** Icons are fetched by their address, and there is nothing to fetch from. */
export default function Svg() {
  return <svg />;
}
